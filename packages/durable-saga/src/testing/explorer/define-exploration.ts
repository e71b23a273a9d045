import type { EventSchemas, Saga } from '../../definition/saga';
import type { ExplorationSetup } from '../exploration-setup';

/**
 * A saga and how it is explored, to be exported from a file of its own: by the setup's `module` workers and printed tests
 * find it there.
 */
export function defineExploration<Ports, Input, Result, Events extends EventSchemas>(
  saga: Saga<Input, Result, Events>,
  setup: ExplorationSetup<Ports, Input>,
): { readonly saga: Saga<Input, Result, Events>; readonly setup: ExplorationSetup<Ports, Input> } {
  return { saga, setup };
}
