import { createHash } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { until } from '../../test/support/running-app';
import { countBegun, groupOf, readExecutions, readHistory, toStretches } from './counting';
import type { Execution } from './counting';
import { startMeasuringApp } from './measuring-app';
import type { MeasuringApp } from './measuring-app';
import { mixes } from './measured';
import type { Measured, MeasuredOrder, Mix } from './measured';

/*
 * Places orders one after another in a running app and counts what each takes, from outside: by the host's log, the storage emulator's,
 * the outbox, the database's statistics and the sagas' histories.
 *
 * What runs all the time (timers) is left out of an order's figures and counted by itself. Transactions can't be told apart; those of the
 * timers in the moments of an order are in its figure.
 */

export interface MeasureOptions {
  /** Orders of each kind. The first of all is not counted: code is loaded, connections are opened. */
  readonly each: number;
  /** How long the app is watched while nothing is asked of it; 0: not at all, then its figures are those of nothing. */
  readonly idleMinutes: number;
  readonly say: (text: string) => void;
}

/** Between two activities of an order the orchestrator runs and its history is written; nothing logs that (milliseconds). */
const TURN_GAP = 100;
const QUIET = 1_000;
/** Exporters send what they have every five seconds. */
const EXPORTED_WITHIN = 7_000;

const bodies: Readonly<Record<Mix, object>> = {
  completed: { paymentMethod: 'pm_card_visa', lines: [{ sku: 'coffee', quantity: 1 }] },
  // Above the threshold.
  approval: { paymentMethod: 'pm_card_visa', lines: [{ sku: 'coffee', quantity: 300 }] },
  compensated: { paymentMethod: 'pm_card_declined', lines: [{ sku: 'coffee', quantity: 1 }] },
};
const ends: Readonly<Record<Mix, string>> = {
  completed: 'completed',
  approval: 'completed',
  compensated: 'compensated',
};

export async function measure({ each, idleMinutes, say }: MeasureOptions): Promise<Measured> {
  const app = await startMeasuringApp();
  try {
    await app.query('update products set stock = 1000000 where sku = $1', ['coffee']);
    say('an order that is not counted');
    await measureOrder(app, 'completed', 'cost-first');
    const orders: Orders = { completed: [], approval: [], compensated: [] };
    for (const mix of mixes) {
      for (let number = 1; number <= each; number++) {
        say(`${mix}, ${number} of ${each}`);
        orders[mix].push(await measureOrder(app, mix, idOf(mix, number)));
      }
    }
    say('telemetry that is still on its way');
    await untilTold(app);
    if (idleMinutes > 0) say(`nothing, for ${idleMinutes} minutes`);
    const idle = await measureIdle(app, idleMinutes);
    return { measured: { at: new Date().toISOString(), node: process.version }, orders: withSpans(app, orders), idle };
  } finally {
    await app.stop();
  }
}

type Orders = Record<Mix, Omit<MeasuredOrder, 'spans'>[]>;
const idOf = (mix: Mix, number: number): string => `cost-${mix}-${number}`;

/** Until no span has come for longer than exporters wait for others. */
async function untilTold(app: MeasuringApp): Promise<void> {
  let seen = -1;
  let since = 0;
  await until('all spans have come', 60_000, () => {
    const { length } = app.telemetry.spans();
    if (length !== seen) [seen, since] = [length, Date.now()];
    return Date.now() - since > EXPORTED_WITHIN ? true : undefined;
  });
}

function withSpans(app: MeasuringApp, orders: Orders): Record<Mix, MeasuredOrder[]> {
  const spans = app.telemetry.spans();
  const told = (mix: Mix): MeasuredOrder[] =>
    orders[mix].map((order, index) => {
      const trace = traceOf(idOf(mix, index + 1));
      return { ...order, spans: spans.filter(({ traceId }) => traceId === trace).length };
    });
  return { completed: told('completed'), approval: told('approval'), compensated: told('compensated') };
}

/** Requests are made in a trace of ours, so that its spans are known and none is left out by chance. */
const traceOf = (orderId: string): string => createHash('sha256').update(orderId).digest('hex').slice(0, 32);

async function measureOrder(app: MeasuringApp, mix: Mix, orderId: string): Promise<Omit<MeasuredOrder, 'spans'>> {
  await untilQuiet(app);
  const mark = app.mark();
  const before = { storage: app.storage('app'), commits: await app.commits() };
  const placedAt = Date.now();
  await post(`${app.url}/api/orders`, orderId, {
    orderId,
    customerId: 'COST',
    email: 'cost@example.com',
    ...bodies[mix],
  });
  if (mix === 'approval') {
    await untilStatus(app, orderId, 'awaitingApproval');
    await post(`${app.url}/api/orders/${orderId}/approval`, orderId, { approved: true, by: 'cost' });
  }
  await untilStatus(app, orderId, ends[mix]);
  await until(`what is told of ${orderId} is published`, 30_000, async () =>
    (await eventsOf(app, orderId)).every(({ state }) => state === 'sent') ? true : undefined,
  );
  await untilQuiet(app);

  const lines = app.lines(mark);
  const isTimer = (name = ''): boolean => app.triggers.get(name) === 'timerTrigger';
  const executions = readExecutions(lines).filter(({ name }) => !isTimer(name) && !ASKING.includes(name));
  const history = readHistory(
    await get(`${app.url}/runtime/webhooks/durabletask/instances/${orderId}?showHistory=true`),
  );
  const after = { storage: app.storage('app'), commits: await app.commits() };
  const deliveries = executions.filter(({ name }) => app.triggers.get(name) === 'serviceBusTrigger');
  return {
    groups: toGroups(executions, app.triggers, placedAt, history.turns),
    actions: history.actions,
    messages: { sent: (await eventsOf(app, orderId)).length, delivered: deliveries.length },
    ...spent(before, after),
    logLines: lines.filter((line) => !isTimer(line.function) && !ASKING.includes(line.function ?? '')).length,
  };
}

type Counters = Pick<Measured['idle'], 'storage' | 'commits'>;

/** What was counted from one look to the next. */
const spent = (before: Counters, after: Counters): Counters => ({
  storage: {
    writes: after.storage.writes - before.storage.writes,
    reads: after.storage.reads - before.storage.reads,
  },
  commits: {
    app: after.commits.app - before.commits.app,
    taskHub: after.commits.taskHub - before.commits.taskHub,
  },
});

/** What this asks the app for to know where an order stands is no part of the order. */
const ASKING = ['showOrder'];

function toGroups(
  executions: readonly Execution[],
  triggers: ReadonlyMap<string, string>,
  placedAt: number,
  turns: number,
): MeasuredOrder['groups'] {
  const byGroup = new Map<string, Execution[]>();
  for (const execution of executions) {
    const group = groupOf(execution.name, triggers.get(execution.name));
    byGroup.set(group, [...(byGroup.get(group) ?? []), execution]);
  }
  return Object.fromEntries(
    [...byGroup].map(([group, own]) => {
      const isDurable = group === 'durable';
      const busy = toStretches(own, placedAt, isDurable ? TURN_GAP : 0).map(([from, to]): [number, number] => [
        from,
        to,
      ]);
      return [group, { executions: own.length + (isDurable ? turns : 0), busy }];
    }),
  );
}

async function measureIdle(app: MeasuringApp, minutes: number): Promise<Measured['idle']> {
  await untilQuiet(app);
  const mark = app.mark();
  const before = { storage: app.storage('all'), commits: await app.commits(), telemetry: toldBy(app) };
  await wait(minutes * 60_000);
  const after = { storage: app.storage('all'), commits: await app.commits() };
  const lines = app.lines(mark);
  const timers: Record<string, { executions: number; milliseconds: number }> = {};
  for (const { name, from, to } of readExecutions(lines)) {
    const timer = (timers[name] ??= { executions: 0, milliseconds: 0 });
    timer.executions += 1;
    timer.milliseconds += to - from;
  }
  return {
    minutes,
    timers,
    ...spent(before, after),
    logLines: lines.length,
    telemetry: toldBy(app) - before.telemetry,
  };
}

const toldBy = ({ telemetry }: MeasuringApp): number => telemetry.spans().length + telemetry.points();

/** Until all that has begun has ended, and nothing has begun for a while. */
async function untilQuiet(app: MeasuringApp): Promise<void> {
  let seen = -1;
  let since = 0;
  await until('the app is quiet', 60_000, () => {
    const lines = app.lines();
    const begun = countBegun(lines);
    if (begun !== seen || begun > readExecutions(lines).length) {
      seen = begun;
      since = Date.now();
    }
    return Date.now() - since >= QUIET ? true : undefined;
  });
}

async function untilStatus(app: MeasuringApp, orderId: string, wanted: string): Promise<void> {
  await until(`${orderId} is ${wanted}`, 60_000, async () => {
    const [order] = await app.query<{ status: string }>('select status from orders where id = $1', [orderId]);
    return order?.status === wanted ? true : undefined;
  });
}

const eventsOf = async (app: MeasuringApp, orderId: string): Promise<{ state: string }[]> =>
  app.query('select state from saga_outbox where ordering_key = $1', [orderId]);

async function post(url: string, orderId: string, body: object): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', traceparent: `00-${traceOf(orderId)}-${'1'.repeat(16)}-01` },
    body: JSON.stringify(body),
  });
  if (response.status !== 202) {
    throw new Error(`expected 202 of POST ${url}, got ${response.status}: ${await response.text()}`);
  }
}

async function get(url: string): Promise<unknown> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`expected 200 of GET ${url}, got ${response.status}: ${await response.text()}`);
  return response.json();
}
