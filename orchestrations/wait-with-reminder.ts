import type { EventSchemas, Operation, SagaContext } from 'durable-saga';

interface Wait<Payload> {
  /** Milliseconds. */
  readonly timeout: number;
  readonly wait: (timeout: number) => Operation<Payload | undefined, 'waitFor'>;
  /** Asks again half way; `endsAt` is when it is too late (ISO 8601). One that fails is no reason to wait no longer. */
  readonly remind: ((endsAt: string) => Operation<void, 'call'>) | undefined;
}

/** Waits for an event that somebody may need to be reminded of; undefined when it has not come in time. */
export function* waitWithReminder<Payload>(
  saga: Pick<SagaContext<EventSchemas>, 'now' | 'allSettled'>,
  { timeout, wait, remind }: Wait<Payload>,
) {
  const endsAt = saga.now().getTime() + timeout;
  if (remind) {
    const early = yield* wait(Math.ceil(timeout / 2));
    if (early) return early;
    yield* saga.allSettled([remind(new Date(endsAt).toISOString())]);
  }
  return yield* wait(Math.max(0, endsAt - saga.now().getTime()));
}
