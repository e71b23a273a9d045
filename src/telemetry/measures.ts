import { metrics } from '@opentelemetry/api';
import type { Attributes, Meter, ObservableResult } from '@opentelemetry/api';
import type { Backlog } from '../domain/backlog';
import type { Clock } from '../ports';
import { metricAttributes, metricNames } from './names';
import type { Telemetry } from './telemetry';

/*
 * What is counted, and where, so that no repetition counts twice:
 *
 * - Ends of sagas by whoever has written the end into the saga's row (an order's, a return's, an import's), which happens once,
 *   after the commit. An activity that runs again finds the row written, and counts nothing. A process that dies between the
 *   commit and the next export takes its count along: the database has the exact numbers.
 * - Dead letters by who has kept one that was not known.
 * - What waits is looked up by a timer, each minute, in one process of however many. It is told for as long as it is news, so
 *   that a process that had the timer once doesn't repeat for ever what it saw then.
 */

type Measures = Pick<Telemetry, 'sagaEnded' | 'countingDeadLetters'> & { backlog(backlog: Backlog): void };

/** Milliseconds for which a look at what waits is told. Less than two of the timer's minutes. */
const NEWS_FOR = 100_000;

/** From under a second to the weeks that a saga may wait for somebody. */
const DURATIONS = [0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3_600, 4 * 3_600, 86_400, 3 * 86_400, 7 * 86_400, 14 * 86_400];

/** `ready` resolves when measures are taken. */
export function createMeasures(ready: () => Promise<void>, clock: Clock): Measures {
  let made: Promise<Instruments> | undefined;
  const record = (take: (instruments: Instruments) => void): void => {
    made ??= ready().then(() => new Instruments(metrics.getMeter('order-sagas'), clock));
    void made.then(take);
  };
  return {
    sagaEnded({ saga, outcome, reason, acceptedAt }) {
      const seconds = (clock.now().getTime() - acceptedAt.getTime()) / 1_000;
      const ended = { [metricAttributes.outcome]: outcome };
      const why = reason === undefined ? ended : { ...ended, [metricAttributes.reason]: reason };
      record(({ ordersProcessed, sagaDuration, sagaUndone }) => {
        const of = { [metricAttributes.sagaName]: saga };
        if (saga === 'placeOrder') ordersProcessed.add(1, why);
        sagaDuration.record(seconds, { ...of, ...ended });
        if (outcome !== 'completed') sagaUndone.add(1, { ...of, ...why });
      });
    },

    countingDeadLetters: (deadLetters) => ({
      ...deadLetters,
      async keep(letter) {
        const outcome = await deadLetters.keep(letter);
        const { reason, team, entity } = letter;
        if (outcome === 'kept') record((instruments) => instruments.deadLetters.add(1, { reason, team, entity }));
        return outcome;
      },
    }),

    backlog(backlog) {
      const seenAt = clock.now().getTime();
      record((instruments) => instruments.see(backlog, seenAt));
    },
  };
}

class Instruments {
  readonly ordersProcessed;
  readonly sagaDuration;
  readonly sagaUndone;
  readonly deadLetters;
  readonly #clock: Clock;
  #seen: { readonly backlog: Backlog; readonly at: number } | undefined;

  constructor(meter: Meter, clock: Clock) {
    this.#clock = clock;
    this.ordersProcessed = meter.createCounter(metricNames.ordersProcessed, { description: 'Orders that ended' });
    this.sagaDuration = meter.createHistogram(metricNames.sagaDuration, {
      description: 'From acceptance to the end of a saga',
      unit: 's',
      advice: { explicitBucketBoundaries: DURATIONS },
    });
    this.sagaUndone = meter.createCounter(metricNames.sagaUndone, { description: 'Sagas that turned back' });
    this.deadLetters = meter.createCounter(metricNames.deadLetters, { description: 'Dead letters that came' });
    this.#observe(meter);
  }

  see(backlog: Backlog, at: number): void {
    this.#seen = { backlog, at };
  }

  #observe(meter: Meter): void {
    const gauge = (name: string, description: string, tell: (backlog: Backlog, result: ObservableResult) => void) =>
      meter.createObservableGauge(name, { description }).addCallback((result) => {
        if (this.#seen === undefined || this.#clock.now().getTime() - this.#seen.at > NEWS_FOR) return;
        tell(this.#seen.backlog, result);
      });
    const bySaga = (name: string, description: string, value: (saga: Backlog['sagas'][number]) => number) =>
      gauge(name, description, ({ sagas }, result) => {
        for (const saga of sagas) result.observe(value(saga), { [metricAttributes.sagaName]: saga.saga });
      });
    bySaga(metricNames.sagaRunning, 'Sagas that have not ended', ({ running }) => running);
    bySaga(metricNames.sagaParked, 'Sagas that wait for an operator', ({ parked }) => parked);
    bySaga(metricNames.sagaStuck, 'Sagas that were reported as stuck', ({ stuck }) => stuck);
    bySaga(metricNames.sagaOldestAge, 'Seconds since the oldest one was accepted', ({ oldest }) => this.#ageOf(oldest));
    gauge(metricNames.outboxWaiting, 'Messages not brought to the broker yet', ({ outbox }, result) =>
      result.observe(outbox.waiting),
    );
    gauge(metricNames.outboxOldestAge, 'Seconds since the oldest of them was put', ({ outbox }, result) =>
      result.observe(this.#ageOf(outbox.oldest)),
    );
    gauge(metricNames.deadLettersOpen, 'Dead letters that wait for an operator', ({ deadLetters }, result) => {
      for (const { open, reason, team } of deadLetters) result.observe(open, { reason, team } satisfies Attributes);
    });
  }

  /** Seconds; 0 where there is nothing. */
  #ageOf(since: Date | undefined): number {
    return since === undefined ? 0 : Math.max(0, (this.#clock.now().getTime() - since.getTime()) / 1_000);
  }
}
