import path from 'node:path';
import { findEntryPoints } from '../app/entry-points';
import type { FunctionRuntime } from '../app/function-runtime';
import type { RegisteredFunction } from '../app/registered-function';
import type { FunctionError } from '../app/to-registered-function';
import type { Clock } from '../clock';
import { type AdminApi, createAdminApi } from '../http/admin';
import type { KeyRing } from '../http/keys';
import type { HostLog } from '../log';
import { toHostConfig } from './host-config';
import type { HostJson } from './host-json';
import { runFunction, type RunParts } from './run-function';

/** The admin API of a composed host. */
export function toAdminApi(
  parts: Omit<RunParts, 'url' | 'masterKey' | 'log'> & {
    readonly base: {
      readonly appDir: string;
      readonly dataDir: string | undefined;
      readonly startedAt: number;
      readonly clock: Clock;
      readonly hostId: string;
      readonly hostJson: HostJson;
      readonly url: string;
      readonly log: HostLog;
    };
    readonly runtimes: readonly FunctionRuntime[];
    readonly disabled: readonly RegisteredFunction[];
    readonly errors: readonly FunctionError[];
    readonly keys: KeyRing;
    readonly activeHost: () => string | undefined;
  },
): AdminApi {
  const { base, runtimes, disabled, errors } = parts;
  const [entryPoint = ''] = findEntryPoints(base.appDir);
  return createAdminApi({
    ...base,
    entryPoint: path.relative(base.appDir, entryPoint),
    runtimes,
    disabled,
    errors,
    routePrefix: base.hostJson.routePrefix,
    keys: parts.keys,
    activeHost: parts.activeHost,
    config: () => toHostConfig(base.hostJson),
    run: (runtime, input) => {
      runFunction(
        { ...parts, url: base.url, masterKey: () => parts.keys.current().master, log: base.log },
        runtime,
        input,
      );
    },
  });
}
