import { metrics } from '@opentelemetry/api';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import type { Backlog } from '../../src/domain/backlog';
import { createMeasures } from '../../src/telemetry/measures';
import { forgettingGauges } from '../../src/telemetry/sdk';
import { createInMemoryDeadLetters } from '../support/in-memory-dead-letters';
import { sampleDeadLetter } from '../support/sample-dead-letters';

const START = new Date('2026-01-05T09:00:00.000Z');
let now = START;
const clock = { now: () => now };
const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
const reader = new PeriodicExportingMetricReader({ exporter: forgettingGauges(exporter) });
const meters = new MeterProvider({ readers: [reader] });

beforeAll(() => metrics.setGlobalMeterProvider(meters));
afterEach(() => exporter.reset());
afterAll(async () => {
  await meters.shutdown();
  metrics.disable();
});

/** What is exported now, by measure; of a histogram, count and sum. */
async function collect(): Promise<Record<string, unknown[]>> {
  exporter.reset();
  // Measures are taken when the SDK is ready, which is a promise away.
  await new Promise(setImmediate);
  await reader.forceFlush();
  const found = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
  return Object.fromEntries(
    found.map(({ descriptor, dataPoints }) => [
      descriptor.name,
      dataPoints.map(({ attributes, value }) => ({
        ...attributes,
        value: typeof value === 'number' ? value : { count: value.count, sum: value.sum },
      })),
    ]),
  );
}

const measures = createMeasures(async () => undefined, clock);

describe('the measures', () => {
  it('count the ends of sagas, whichever they are, with outcome, reason and how long it took', async () => {
    const acceptedAt = new Date(START.getTime() - 90_000);
    measures.sagaEnded({ saga: 'placeOrder', outcome: 'completed', reason: undefined, acceptedAt });
    measures.sagaEnded({ saga: 'placeOrder', outcome: 'compensated', reason: 'cancelled', acceptedAt });
    measures.sagaEnded({ saga: 'returnOrder', outcome: 'compensated', reason: 'notCollected', acceptedAt });
    measures.sagaEnded({ saga: 'importOrders', outcome: 'completed', reason: 'notText', acceptedAt });
    expect(await collect()).toMatchObject({
      'orders.processed': [
        { outcome: 'completed', value: 1 },
        { outcome: 'compensated', reason: 'cancelled', value: 1 },
      ],
      'saga.duration': [
        { 'saga.name': 'placeOrder', outcome: 'completed', value: { count: 1, sum: 90 } },
        { 'saga.name': 'placeOrder', outcome: 'compensated', value: { count: 1, sum: 90 } },
        { 'saga.name': 'returnOrder', outcome: 'compensated', value: { count: 1, sum: 90 } },
        { 'saga.name': 'importOrders', outcome: 'completed', value: { count: 1, sum: 90 } },
      ],
      'saga.undone': [
        { 'saga.name': 'placeOrder', outcome: 'compensated', reason: 'cancelled', value: 1 },
        { 'saga.name': 'returnOrder', outcome: 'compensated', reason: 'notCollected', value: 1 },
      ],
    });
  });

  it('count a dead letter once, however often it is kept', async () => {
    const deadLetters = measures.countingDeadLetters(createInMemoryDeadLetters(clock));
    const letter = sampleDeadLetter('a');
    expect([await deadLetters.keep(letter), await deadLetters.keep(letter)]).toEqual(['kept', 'known']);
    const { reason, team, entity } = letter;
    expect((await collect())['dead_letters']).toEqual([{ reason, team, entity, value: 1 }]);
  });

  it('tell what waits for as long as it is news', async () => {
    const backlog: Backlog = {
      sagas: [
        { saga: 'placeOrder', running: 7, parked: 2, stuck: 1, oldest: new Date(START.getTime() - 3_600_000) },
        { saga: 'returnOrder', running: 0, parked: 0, stuck: 0, oldest: undefined },
      ],
      outbox: { waiting: 3, oldest: new Date(START.getTime() - 5_000) },
      deadLetters: [{ reason: 'timeout', team: 'database', open: 4 }],
    };
    measures.backlog(backlog);
    expect(await collect()).toMatchObject({
      'saga.running': [
        { 'saga.name': 'placeOrder', value: 7 },
        { 'saga.name': 'returnOrder', value: 0 },
      ],
      'saga.parked': [{ value: 2 }, { value: 0 }],
      'saga.stuck': [{ value: 1 }, { value: 0 }],
      'saga.age.oldest': [{ value: 3_600 }, { value: 0 }],
      'outbox.waiting': [{ value: 3 }],
      'outbox.age.oldest': [{ value: 5 }],
      'dead_letters.open': [{ reason: 'timeout', team: 'database', value: 4 }],
    });
    now = new Date(START.getTime() + 101_000);
    expect((await collect())['saga.parked'] ?? []).toEqual([]);
  });
});
