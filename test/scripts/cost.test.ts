import { readFileSync } from 'node:fs';
import path from 'node:path';
import { billedMilliseconds, MONTH_SECONDS, sharedSeconds, tiered } from '../../scripts/cost/billing';
import { groupOf, readExecutions, readHistory, readLog, readStorage, toStretches } from '../../scripts/cost/counting';
import { estimate } from '../../scripts/cost/estimate';
import type { Line, Wishes } from '../../scripts/cost/estimate';
import { parseMeasured } from '../../scripts/cost/measured';
import type { Measured, MeasuredOrder } from '../../scripts/cost/measured';
import { parsePrices, unverified } from '../../scripts/cost/prices';
import { showEstimate } from '../../scripts/cost/show';

const folder = path.join(__dirname, '../../scripts/cost');
const pricesText = readFileSync(path.join(folder, 'prices.json'), 'utf8');
const prices = parsePrices(pricesText);

const order = (executions: number, busy: [number, number][]): MeasuredOrder => ({
  groups: { http: { executions: 1, busy: [[0, 100]] }, durable: { executions, busy } },
  actions: 10,
  messages: { sent: 2, delivered: 3 },
  storage: { writes: 1, reads: 10 },
  commits: { app: 20, taskHub: 10 },
  logLines: 30,
  spans: 20,
});
const measured: Measured = {
  measured: { at: '2026-01-05T10:00:00.000Z', node: 'v22.0.0' },
  orders: {
    completed: [order(10, [[0, 1_240]]), order(14, [[0, 1_240]])],
    approval: [
      order(20, [
        [0, 500],
        [5_000, 5_500],
      ]),
    ],
    compensated: [order(8, [[0, 300]])],
  },
  idle: {
    minutes: 2,
    timers: { relayEvents: { executions: 2, milliseconds: 60 } },
    storage: { writes: 4, reads: 20 },
    commits: { app: 10, taskHub: 100 },
    logLines: 8,
    telemetry: 12,
  },
};
const wishes: Wishes = {
  orders: 1_000_000,
  mix: { completed: 1, approval: 0, compensated: 0 },
  memoryMb: 2_048,
  alwaysReady: 0,
  isPrivate: false,
  database: 'Standard_B2s',
  databaseGb: 32,
  hasGrants: false,
  slower: 1,
};
const line = (what: string, wish: Partial<Wishes> = {}): Line => {
  const found = estimate(measured, prices, { ...wishes, ...wish }).find((each) => each.what.startsWith(what));
  if (found === undefined) throw new Error(`expected a line ${what}`);
  return found;
};

describe('what is billed', () => {
  it('is at least a second for each stretch, then rounded up to a tenth of one', () => {
    expect(billedMilliseconds([[0, 20]], 1_000, 100)).toBe(1_000);
    expect(billedMilliseconds([[0, 1_240]], 1_000, 100)).toBe(1_300);
    expect(billedMilliseconds([[0, 1_300]], 1_000, 100)).toBe(1_300);
    expect(billedMilliseconds([], 1_000, 100)).toBe(0);
  });

  it('is one stretch for what begins while another is still paid for', () => {
    expect(
      billedMilliseconds(
        [
          [0, 100],
          [900, 950],
        ],
        1_000,
        100,
      ),
    ).toBe(1_000);
    expect(
      billedMilliseconds(
        [
          [900, 1_450],
          [0, 100],
        ],
        1_000,
        100,
      ),
    ).toBe(1_500);
    expect(
      billedMilliseconds(
        [
          [0, 100],
          [1_001, 1_100],
        ],
        1_000,
        100,
      ),
    ).toBe(2_000);
  });

  it('is shared by what runs at the same time: never more than the month, and next to nothing saved when it is rare', () => {
    expect(sharedSeconds(10, 1)).toBeCloseTo(10, 3);
    expect(sharedSeconds(1e9, 1)).toBeCloseTo(MONTH_SECONDS, 0);
    expect(sharedSeconds(MONTH_SECONDS, 1) / MONTH_SECONDS).toBeCloseTo(1 - 1 / Math.E, 6);
  });

  it('gets cheaper by tiers, each for its own part', () => {
    const tiers = [
      { from: 0, amount: 0 },
      { from: 13e6, amount: 0.8 },
      { from: 100e6, amount: 0.5 },
    ];
    expect(tiered(13e6, tiers)).toBe(0);
    expect(tiered(14e6, tiers)).toBeCloseTo(0.8);
    expect(tiered(102e6, tiers)).toBeCloseTo(87 * 0.8 + 2 * 0.5);
  });
});

describe('the estimate', () => {
  it('takes the mean of the orders that were measured, by the mix that is wished', () => {
    expect(line('executions').perOrder).toBe(13);
    expect(line('executions', { mix: { completed: 50, approval: 25, compensated: 25 } }).perOrder).toBe(1 + 6 + 5 + 2);
  });

  it('multiplies what is billed by the memory and by the price', () => {
    // HTTP a second, the saga 1.3, of two gigabytes.
    expect(line('compute').perOrder).toBeCloseTo(4.6);
    expect(line('compute').alone).toBeCloseTo(4.6e6 * 0.000026);
    expect(line('compute', { memoryMb: 512 }).alone).toBeCloseTo(1.15e6 * 0.000026);
    expect(line('compute', { mix: { completed: 0, approval: 1, compensated: 0 } }).perOrder).toBeCloseTo(6);
  });

  it('makes orders that meet cheaper than those that do not, and rare ones equal', () => {
    const busy = line('compute');
    expect(busy.spread).toBeLessThan(busy.alone);
    const rare = line('compute', { orders: 100 });
    expect(rare.spread / rare.alone).toBeCloseTo(1, 3);
  });

  it('has timers as what is paid anyway: once a minute a second', () => {
    const minutes = 730 * 60;
    expect(line('compute').fixed).toBeCloseTo(minutes * 2 * 0.000026);
    expect(line('executions').fixed).toBeCloseTo((minutes * 0.4) / 1e6);
  });

  it('takes the free grants off once, from timers and orders together', () => {
    const free = line('executions', { hasGrants: true });
    const paid = line('executions');
    expect(paid.fixed + paid.alone - free.fixed - free.alone).toBeCloseTo((250_000 * 0.4) / 1e6);
    const compute = { free: line('compute', { hasGrants: true }), paid: line('compute') };
    const saved = compute.paid.fixed + compute.paid.alone - compute.free.fixed - compute.free.alone;
    expect(saved).toBeCloseTo(100_000 * 0.000026);
  });

  it('has a price for instances that wait, and another for what runs on them', () => {
    const ready = line('compute, always ready', { alwaysReady: 1 });
    expect(ready.fixed).toBeCloseTo(2 * 2 * MONTH_SECONDS * 0.000004);
    expect(ready.alone).toBeCloseTo(4.6e6 * 0.000016);
    expect(line('compute', { alwaysReady: 1 }).perOrder).toBe(0);
  });

  it('counts a delivery of a message as two operations, and pays Premium by the hour', () => {
    expect(line('Service Bus').perOrder).toBe(8);
    expect(line('Service Bus', { orders: 2_000_000 }).alone).toBeCloseTo(3 * 0.8);
    const premium = line('Service Bus', { isPrivate: true });
    expect(premium).toMatchObject({ fixed: 0.9275 * 730, alone: 0 });
  });

  it('takes longer executions where everything is slower', () => {
    expect(line('compute', { slower: 10 }).perOrder).toBeCloseTo(2 * (1 + 12.4));
  });

  it('refuses a database that has no price, by name', () => {
    expect(() => line('PostgreSQL', { database: 'Standard_X1' })).toThrow(/Standard_B1ms.*Standard_X1/);
  });

  it('is told with what nobody has verified', () => {
    const shown = showEstimate(estimate(measured, prices, wishes), measured, prices, wishes);
    expect(shown).toMatch(/^compute +4\.6 +GB-seconds/m);
    expect(shown).toContain('1,000,000 orders a month');
    for (const name of unverified(prices)) expect(shown).toContain(name);
    expect(unverified(prices)).toContain('scheduler.millionActions');
  });
});

describe('the files of the estimate', () => {
  it('are a measurement with orders of each kind, and prices with a date', () => {
    const recorded = parseMeasured(readFileSync(path.join(folder, 'measured.json'), 'utf8'));
    expect(Object.values(recorded.orders).every((orders) => orders.length >= 3)).toBe(true);
    expect(recorded.idle.minutes).toBeGreaterThan(0);
    expect(prices.date).toMatch(/^\d{4}-\d\d-\d\d$/);
  });

  it('are refused when a price has no unit or says not whether it is verified', () => {
    expect(() => parsePrices(pricesText.replace('"per": "GB-second", ', ''))).toThrow();
    expect(() => parsePrices(pricesText.replace(', "verified": true', ''))).toThrow();
  });
});

describe('counting', () => {
  const at = (seconds: number): string => new Date(Date.UTC(2026, 0, 5, 10, 0, seconds)).toISOString();
  const log = [
    'Azurite is up',
    JSON.stringify({
      time: at(1),
      category: 'Function.a',
      message: "Executing 'Functions.a' (Reason='x', Id=1-2)",
      function: 'a',
    }),
    JSON.stringify({
      time: at(2),
      category: 'Function.a',
      message: "Executed 'Functions.a' (Succeeded, Id=1-2, Duration=500ms)",
      function: 'a',
    }),
    '{"time": "cut off',
  ].join('\n');

  it('takes executions with their time from the log, and passes over what is none', () => {
    const executions = readExecutions(readLog(log));
    expect(executions).toEqual([{ name: 'a', from: Date.parse(at(1)) + 500, to: Date.parse(at(2)) }]);
    expect(toStretches(executions, Date.parse(at(0)), 0)).toEqual([[1_500, 2_000]]);
  });

  it('joins what overlaps or lies close together', () => {
    const executions = [
      { name: 'b', from: 300, to: 400 },
      { name: 'a', from: 0, to: 200 },
      { name: 'c', from: 1_000, to: 1_100 },
    ];
    expect(toStretches(executions, 0, 100)).toEqual([
      [0, 400],
      [1_000, 1_100],
    ]);
    expect(toStretches(executions, 0, 0)).toHaveLength(3);
  });

  it('has groups as Flex Consumption scales them', () => {
    expect(groupOf('showOrder', 'httpTrigger')).toBe('http');
    expect(groupOf('capturePayment', 'activityTrigger')).toBe('durable');
    expect(groupOf('countEvents', 'serviceBusTrigger')).toBe('countEvents');
  });

  it('counts as the scheduler does: start, each activity twice, timers, events', () => {
    const types = [
      'ExecutionStarted',
      'TaskCompleted',
      'TaskCompleted',
      'TimerFired',
      'EventRaised',
      'ExecutionCompleted',
    ];
    expect(readHistory({ historyEvents: types.map((EventType) => ({ EventType })) })).toEqual({ turns: 5, actions: 7 });
  });

  it("tells reads of storage from writes, and the host's own from the app's", () => {
    const access = [
      '127.0.0.1 - - [05/Jan/2026:10:00:00 +0000] "PUT /devstoreaccount1/azure-webjobs-hosts/timers/a HTTP/1.1" 201 -',
      '127.0.0.1 - - [05/Jan/2026:10:00:00 +0000] "GET /devstoreaccount1/imports/a.csv HTTP/1.1" 200 -',
      '127.0.0.1 - - [05/Jan/2026:10:00:00 +0000] "PUT /devstoreaccount1/imports/b.json HTTP/1.1" 201 -',
    ].join('\n');
    expect(readStorage(access, 'all')).toEqual({ writes: 2, reads: 1 });
    expect(readStorage(access, 'app')).toEqual({ writes: 1, reads: 1 });
  });
});
