/**
 * Where an order stands, as its row says it.
 *
 * - `accepted`: the row is written, its saga not yet known to be started
 * - `running`: its saga is at work
 * - `awaitingApproval`: its total needs somebody's approval, and the saga waits for it
 * - `parked`: a step that can neither be undone nor finished waits for an operator
 * - `completed`, `compensated`, `compensationFailed`: final
 */
export const orderStatuses = [
  'accepted',
  'running',
  'awaitingApproval',
  'parked',
  'completed',
  'compensated',
  'compensationFailed',
] as const;
export type OrderStatus = (typeof orderStatuses)[number];

export type FinalStatus = Extract<OrderStatus, 'completed' | 'compensated' | 'compensationFailed'>;

const finalStatuses: readonly string[] = ['completed', 'compensated', 'compensationFailed'] satisfies FinalStatus[];

/** True once nothing will change the order, or the return, any more. */
export function isFinal(status: string): status is FinalStatus {
  return finalStatuses.includes(status);
}

/** Why an order stands where it stands, in a form for programs (`code`) and one for people (`message`). */
export interface StatusReason {
  readonly code: string;
  readonly message: string;
}
