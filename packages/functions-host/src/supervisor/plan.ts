import type { HostLog } from '../log';
import type { AppManifest } from './app-manifest';
import type { DataFolder } from './data-folder';
import { planPostgres } from './plan-postgres';
import { planServiceBus } from './plan-service-bus';
import { planStandIns } from './plan-stand-ins';
import { planStorage } from './plan-storage';
import type { Service } from './service';

/** Where the task hub is to be kept. */
export type TaskHubChoice =
  | { readonly kind: 'default' }
  | { readonly kind: 'memory' }
  /** `name`: the option or setting that says so. */
  | { readonly kind: 'url'; readonly name: string; readonly url: string }
  /** Nobody needs one: the host is not started. */
  | { readonly kind: 'none' };

export interface PlanRequest {
  readonly appDir: string;
  readonly settings: Readonly<Record<string, string>>;
  /** False for variables that happen to be in the environment: mistakes in them are none of this app's. */
  readonly isOwn: (settingName: string) => boolean;
  readonly manifest: AppManifest;
  readonly folder: DataFolder;
  readonly taskHub: TaskHubChoice;
  readonly log: HostLog;
}

/** What has to be started for these settings. */
export interface Plan {
  readonly databases: readonly Service[];
  readonly storage: readonly Service[];
  readonly serviceBus: readonly Service[];
  readonly standIns: readonly Service[];
  readonly taskHub: string | undefined;
}

/**
 * The rule of the settings: what points at this machine, where nothing listens, is started there; what is there already,
 * or elsewhere, is used as it is, after a look whether it is what it should be.
 */
export async function planServices(request: PlanRequest): Promise<Plan> {
  const [postgres, storage, serviceBus, standIns] = await Promise.all([
    planPostgres(request),
    planStorage(request),
    planServiceBus(request),
    planStandIns(request),
  ]);
  return { databases: postgres.services, storage, serviceBus, standIns, taskHub: postgres.taskHub };
}

/** All services of a plan. */
export function servicesOf({ databases, storage, serviceBus, standIns }: Plan): readonly Service[] {
  return [...databases, ...storage, ...serviceBus, ...standIns];
}
