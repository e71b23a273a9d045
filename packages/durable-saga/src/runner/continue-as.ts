import type { Carried } from './carried';
import type { Fiber } from './fiber';
import type { Instance } from './instance';
import type { StartEnvelope } from './start-envelope';
import type { UndoStack } from './undo-stack';

/*
 * A history that grows without end costs ever more: hosts read it again for each turn. So a long saga ends its history
 * and goes on in another, as the same instance. Nothing may be lost or doubled at the seam, and what makes that hard are
 * the events that come in the same moment.
 *
 * The orchestrator's code looks at no event after the one by which it ends. functions-host keeps those for the next
 * history. So does the Azure host, if it has carried the code's actions out to the end by then; what it hands over
 * before that it takes for consumed, and drops at the seam what the code has not consumed. As told at the head of
 * durable-functions.ts, that host may be ahead of the code, though never behind: then it would keep events that the code
 * has taken already, and hand them over twice.
 *
 * Hence the seam: a timer that is due at once is awaited alone. Host and code both stand at it until it fires, and both
 * go on at the very event that says so. What came before is in the code's reach, taken from there and carried; what
 * comes after is kept by the host. Tests run this against a model of each host.
 */

/** Characters of JSON above which some hosts (those with messages of 1 MiB) can't take what is carried. */
const SOME_HOSTS_LIMIT = 900_000;
/** Characters of JSON that no saga should carry: the saga is undone instead. */
const LIMIT = 16_000_000;

export interface NextHistory {
  readonly input: unknown;
  readonly undos: UndoStack;
  readonly goingBack?: Carried['goingBack'];
}

/**
 * Ends this history and begins another. Gives false, and ends nothing, when the saga was stopped before that. When what
 * there is to carry is too large it throws, or, on the way back, gives false, too.
 */
export function* continueAs(instance: Instance, next: NextHistory): Fiber<boolean> {
  const { durable, version, parent, trace } = instance;
  instance.deadline?.suspend();
  yield* meetHost(instance);
  if (next.goingBack === undefined && instance.stop() !== undefined) return false;
  const { undos, goingBack, input } = next;
  const carried = instance.toCarried(undos.toData(), goingBack);
  const stamp = { version, ...(parent && { parent }), ...(trace !== undefined && { trace }), carried };
  const envelope: StartEnvelope = { $saga: stamp, input };
  const size = JSON.stringify(envelope).length;
  const what = `${size} characters of JSON with ${carried.owed.length} undos`;
  if (size > LIMIT) {
    if (goingBack !== undefined) return false;
    throw new RangeError(`saga.continueAs: expected at most ${LIMIT} to carry, got ${what}`);
  }
  if (size > SOME_HOSTS_LIMIT) durable.log('warn', `saga ${durable.instanceId} carries ${what} to its next history`);
  durable.continueAsNew(envelope);
  instance.isContinued = true;
  return true;
}

/** The first wait of an instance listens for a cancel, too; the one that counts must be for the timer alone. */
function* meetHost(instance: Instance): Fiber<void> {
  const { durable } = instance;
  for (let isAlone = false; !isAlone;) {
    isAlone = instance.isWatching;
    const timer = durable.timer(durable.now());
    while (!timer.done) yield [timer];
  }
}
