import type { HostLog } from '../log';
import type { Children } from './children';
import { keepRunning } from './keep-running';
import type { Kept } from './keep-running';
import type { Plan } from './plan';
import type { Service } from './service';

/** The services of a plan, kept running. */
export interface RunningServices {
  /** Resolve when the services are up; reject with the failure of the first that isn't. */
  databasesUp(): Promise<void>;
  allUp(): Promise<void>;
  /** Starts these of the app's stand-ins anew. */
  restart(names: readonly string[]): Promise<void>;
  /** Ends stand-ins, then storage and Service Bus, then databases: each only when nothing uses it any more. */
  stop(): Promise<void>;
}

/** Starts all services of a plan at once. */
export function runServices(plan: Plan, children: Children, log: HostLog): RunningServices {
  const keep = (service: Service): Kept => keepRunning(service, children, log);
  const databases = plan.databases.map(keep);
  const carriers = [...plan.storage, ...plan.serviceBus].map(keep);
  let standIns = plan.standIns.map(keep);
  const up = async (group: readonly Kept[]): Promise<void> => {
    await Promise.all(
      group.map(async ({ started, service }) => {
        await started;
        log.log('Information', 'Host.Supervisor', `${service.name} is up: ${service.summary}`);
      }),
    );
  };
  const databasesUp = up(databases);
  const allUp = Promise.all([databasesUp, up(carriers), up(standIns)]);
  // Whoever waits gets the failure; nobody may be waiting yet, or any more.
  databasesUp.catch(() => undefined);
  allUp.catch(() => undefined);
  return {
    databasesUp: () => databasesUp,
    allUp: async () => {
      await allUp;
    },
    restart: async (names) => {
      standIns = await Promise.all(
        standIns.map(async (kept) => {
          if (!names.includes(kept.service.name)) return kept;
          await kept.stop();
          return keep(kept.service);
        }),
      );
      await up(standIns.filter(({ service }) => names.includes(service.name)));
    },
    stop: async () => {
      for (const group of [standIns, carriers, databases]) await Promise.all(group.map((kept) => kept.stop()));
    },
  };
}
