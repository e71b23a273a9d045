import type { Definitions } from '../definition/definitions';
import { recovery, runRecovery } from '../recovery/recovery';
import { runSaga } from '../runner/run-saga';
import { toOrchestrator } from './durable-functions';
import type { Orchestrator } from './durable-functions';

/** The orchestrators that an app has, by name: its sagas, and what recovers them. */
export function orchestratorsOf(definitions: Definitions): ReadonlyMap<string, Orchestrator> {
  const found = new Map<string, Orchestrator>();
  for (const [name, saga] of definitions.sagas) {
    found.set(
      name,
      toOrchestrator((durable) => runSaga(durable, saga, definitions)),
    );
  }
  return found.set(
    recovery.name,
    toOrchestrator((durable) => runRecovery(durable, definitions)),
  );
}
