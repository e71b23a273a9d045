import type { Activity } from './activity';
import type { ClaimCheck } from '../store/claim-check';
import type { Saga } from './saga';

/** What this app has registered, by name: a saga's history names activities and sagas, and they are looked up here. */
export interface Definitions {
  readonly activities: ReadonlyMap<string, Activity<never, unknown, never>>;
  readonly sagas: ReadonlyMap<string, Saga<never, unknown>>;
  /** How much may travel; orchestrators ask it nothing else. */
  readonly claims: Pick<ClaimCheck, 'tooLarge'>;
  /** Whether sagas say to their activities which saga they are. */
  readonly observed?: boolean;
}

/** Throws, saying where to list it, for a saga that was not registered. */
export function findSaga({ sagas }: Definitions, name: string): Saga<never, unknown> {
  const found = sagas.get(name);
  if (found === undefined) {
    throw new Error(`the saga '${name}' is not registered: list it in registerSagas({ sagas: [...] })`);
  }
  return found;
}

/** Throws, saying where to list it, for an activity that was not registered. */
export function findActivity(
  { activities }: Pick<Definitions, 'activities'>,
  name: string,
): Activity<never, unknown, never> {
  const found = activities.get(name);
  if (found === undefined) {
    throw new Error(`the activity '${name}' is not registered: list it in registerSagas({ activities: [...] })`);
  }
  return found;
}
