import type { Issue } from '../definition/failure';
import type { InstanceStatus } from './instance-status';
import { hasEnded } from './instance-status';

/** What came of a request to an instance. The codes:
 *
 * - `unknown`      there is no such instance of this saga
 * - `finished`     it has ended, and takes nothing any more
 * - `pastPivot`    it can't be cancelled: its pivot has started
 * - `notParked`    nothing of it waits for a decision, or not what was named
 * - `ambiguous`    several of its steps wait for a decision: name one
 * - `unknownEvent` the saga declares no such event
 * - `invalid`      the payload does not match its schema; `issues` lists every violation
 */
export type Answer =
  | {
      readonly accepted: true;
      /** False when the saga has not said so yet: it will read the request, but may be past the point. */
      readonly confirmed: boolean;
    }
  | Refusal;

export interface Refusal {
  readonly accepted: false;
  readonly code: 'unknown' | 'finished' | 'pastPivot' | 'notParked' | 'ambiguous' | 'unknownEvent' | 'invalid';
  readonly message: string;
  readonly issues?: readonly Issue[];
}

/** Why the instance takes no request at all; undefined when it does. */
export function whyNot(id: string, status: InstanceStatus<unknown> | undefined): Refusal | undefined {
  if (status === undefined) return unknown(id);
  return hasEnded(status) ? finished(id, `it is ${status.outcome?.outcome ?? status.state}`) : undefined;
}

export function finished(id: string, how: string): Refusal {
  return refuse('finished', `saga '${id}' has ended: ${how}`);
}

export function unknown(id: string): Refusal {
  return refuse('unknown', `there is no saga '${id}'`);
}

export function refuse(code: Refusal['code'], message: string): Refusal {
  return { accepted: false, code, message };
}
