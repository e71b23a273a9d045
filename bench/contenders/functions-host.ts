import path from 'node:path';
import { runContender, type Contender } from '../contender';
import { findPort, startProgram } from '../program';

export interface FunctionsHostOptions {
  readonly root: string;
  /** How much of the turns is checked against a replay. */
  readonly verifyReplay: 'all' | 'sample' | 'off';
  /** Lowest level of the lines that go to the log file. */
  readonly logLevel: string;
  /** Folder with the package to run; another build of it can be compared. */
  readonly packageDir?: string | undefined;
  readonly name?: string;
  /** Further arguments for Node, e.g. `--cpu-prof`. */
  readonly nodeArguments?: string | undefined;
}

/** The host of this repository as `functions-host start` runs it: supervisor, embedded PostgreSQL, host. */
export function functionsHost(options: FunctionsHostOptions): Contender {
  const { root, verifyReplay, logLevel } = options;
  const packageDir = options.packageDir ?? path.join(root, 'packages/functions-host');
  return {
    name: options.name ?? 'functions-host',
    about: `verify-replay ${verifyReplay}, log ${logLevel} to a file, embedded PostgreSQL with fsync on`,
    async start(folder) {
      const port = await findPort();
      const args = ['start', '--app', path.join(root, 'bench/app'), '--port', String(port)];
      args.push('--data', path.join(folder, 'data'), '--no-watch', '--verify-replay', verifyReplay);
      const host = startProgram(process.execPath, [path.join(packageDir, 'bin/functions-host.js'), ...args], {
        name: 'functions-host',
        folder,
        environment: {
          AzureFunctionsJobHost__logging__logLevel__default: logLevel,
          ...(options.nodeArguments !== undefined && { languageWorkers__node__arguments: options.nodeArguments }),
        },
      });
      await host.waitFor(/ready: /);
      return runContender([host], {
        folder,
        args: [path.join(root, 'dist/bench/http-driver.js'), 'functions-host', String(port)],
      });
    },
  };
}
