/**
 * Where a return stands, as its row says it.
 *
 * - `accepted`: the row is written, its saga not yet known to be started
 * - `running`: its saga is at work
 * - `awaitingPickUp`: the carrier has been asked to collect the items, and the saga waits for it
 * - `parked`: a step that can neither be undone nor finished waits for an operator
 * - `completed`, `compensated`, `compensationFailed`: final
 */
export const returnStatuses = [
  'accepted',
  'running',
  'awaitingPickUp',
  'parked',
  'completed',
  'compensated',
  'compensationFailed',
] as const;
export type ReturnStatus = (typeof returnStatuses)[number];
