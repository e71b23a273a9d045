import type { Fiber } from './fiber';
import type { Instance } from './instance';

/** Says in the log which events nobody has taken when a saga ends: whoever sent them was told that they arrived. */
export function* tellLeftOver({ durable, inbox }: Instance): Fiber<void> {
  // A host hands over what has come before a timer that is due at once, but only to those who wait for it.
  const timer = durable.timer(durable.now());
  while (!timer.done) {
    yield [timer, ...inbox.manyHandles()];
    inbox.leftOver();
  }
  for (const { event, count } of inbox.leftOver()) {
    const some = count === 1 ? "1 event '" : `${count} events '`;
    durable.log('warn', `saga ${durable.instanceId} ended and left ${some}${event}' untaken`);
  }
}
