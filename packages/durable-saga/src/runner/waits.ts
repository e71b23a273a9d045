import { Alarm } from './alarm';
import { sleepUntil } from './attempts';
import type { Done } from './done';
import { HALTED } from './done';
import type { Fiber } from './fiber';
import type { Instance } from './instance';
import type { Scope } from './scope';

export function* sleep(instance: Instance, milliseconds: number, { halt }: Scope): Fiber<Done> {
  const { durable, progress } = instance;
  const since = durable.now();
  const wait = progress.beginWait({ since, until: since + milliseconds });
  yield* sleepUntil(durable, since + milliseconds, halt);
  progress.endWait(wait);
  return halt.halted() ? HALTED : { kind: 'value', value: undefined };
}

/** A wait that is halted leaves what has come to others: nothing is taken from the inbox by it. */
export function* waitFor(
  instance: Instance,
  event: string,
  milliseconds: number | undefined,
  { halt }: Scope,
): Fiber<Done> {
  const { durable, progress, inbox } = instance;
  const since = durable.now();
  const until = milliseconds === undefined ? undefined : since + milliseconds;
  const alarm = until === undefined ? undefined : new Alarm(durable, until);
  const wait = progress.beginWait({ event, since, ...(until === undefined ? {} : { until }) });
  let done: Done | undefined;
  while (done === undefined) {
    if (halt.halted()) {
      done = HALTED;
      break;
    }
    const came = inbox.look(event);
    if (came !== undefined || alarm?.rung()) done = { kind: 'value', value: came?.value };
    else yield [inbox.handle(event), ...(alarm === undefined ? [] : [alarm.handle]), ...halt.handles()];
  }
  alarm?.cancel();
  progress.endWait(wait);
  return done;
}
