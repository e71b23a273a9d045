import { billedMilliseconds, MONTH_HOURS, MONTH_SECONDS, sharedSeconds, tiered } from './billing';
import { toMean } from './mean-order';
import type { MeanOrder } from './mean-order';
import type { Measured, Mix } from './measured';
import type { Prices } from './prices';

/*
 * From what one order takes to what a month costs.
 *
 * Flex Consumption bills the time in which an instance runs something, not each execution: at least a second for each such
 * stretch, and any number of executions at once for the price of one. So the same order is dear when it comes alone, and
 * cheap among others, and two figures are told. `alone`: no order ever meets another. `spread`: orders come by chance, evenly over
 * the month, and share the one instance of each group of functions; it is busy for the share 1 - exp(-r B) of the time
 * when stretches of length B come at the rate r (a queue with as many servers as it needs, M/G/infinity). Orders that
 * come in bursts cost something between the two, until a burst needs more instances than one.
 */

const MINUTES = MONTH_HOURS * 60;
/** These groups can have instances that are always ready. Every timer and message handler has instances of its own. */
const READY_GROUPS = ['http', 'durable'];

export interface Wishes {
  readonly orders: number;
  /** Parts, of whatever whole. */
  readonly mix: Readonly<Record<Mix, number>>;
  readonly memoryMb: number;
  /** Instances, of each group that can have them. */
  readonly alwaysReady: number;
  readonly isPrivate: boolean;
  /** Size of the database server, and GiB of storage. */
  readonly database: string;
  readonly databaseGb: number;
  readonly hasGrants: boolean;
  /** Executions take so many times as long as where they were measured. */
  readonly slower: number;
}

/** One thing that is paid for. */
export interface Line {
  readonly what: string;
  readonly unit: string;
  /** Of one order, on average over the mix. */
  readonly perOrder: number;
  /** Money for a month: without any order; what orders add that never meet; what they add when they are evenly spread. */
  readonly fixed: number;
  readonly alone: number;
  readonly spread: number;
}

interface Given {
  readonly measured: Measured;
  readonly prices: Prices;
  readonly wishes: Wishes;
  readonly mean: MeanOrder;
}

/** @throws when the prices have no such database. */
export function estimate(measured: Measured, prices: Prices, wishes: Wishes): Line[] {
  const given: Given = { measured, prices, wishes, mean: toMean(measured, prices.functions.billing, wishes) };
  return [
    ...executing(given),
    ...computing(given),
    scheduling(given),
    messaging(given),
    storing(given),
    logging(given),
    database(given),
    network(given),
  ];
}

function scheduling({ prices: { scheduler }, wishes, mean }: Given): Line {
  const money = (mean.actions * wishes.orders * scheduler.millionActions.amount) / 1e6;
  return {
    what: 'task hub, Consumption',
    unit: 'actions',
    perOrder: mean.actions,
    fixed: 0,
    alone: money,
    spread: money,
  };
}

const isReady = (group: string, { alwaysReady }: Wishes): boolean => alwaysReady > 0 && READY_GROUPS.includes(group);
const sum = (numbers: Iterable<number>): number => [...numbers].reduce((total, number) => total + number, 0);

function executing({ measured: { idle }, prices: { functions }, wishes, mean }: Given): Line[] {
  const { orders, hasGrants } = wishes;
  const of = (ready: boolean): number =>
    sum([...mean.executions].filter(([group]) => isReady(group, wishes) === ready).map(([, executions]) => executions));
  const timers = (sum(Object.values(idle.timers).map(({ executions }) => executions)) / idle.minutes) * MINUTES;
  const cost = withGrant(hasGrants ? functions.grant.executions : 0, functions.onDemandMillionExecutions.amount / 1e6);
  const added = cost(timers + of(false) * orders) - cost(timers);
  const ready = (of(true) * orders * functions.alwaysReadyMillionExecutions.amount) / 1e6;
  return [
    { what: 'executions', unit: 'executions', perOrder: of(false), fixed: cost(timers), alone: added, spread: added },
    ...(wishes.alwaysReady === 0
      ? []
      : [
          {
            what: 'executions, always ready',
            unit: 'executions',
            perOrder: of(true),
            fixed: 0,
            alone: ready,
            spread: ready,
          },
        ]),
  ];
}

function computing({ measured: { idle }, prices: { functions }, wishes, mean }: Given): Line[] {
  const { orders, hasGrants, alwaysReady, slower } = wishes;
  const gb = wishes.memoryMb / 1024;
  const { leastMilliseconds, stepMilliseconds } = functions.billing;
  const timers =
    (sum(
      Object.values(idle.timers).map(({ executions, milliseconds }) => {
        const each = (milliseconds / executions) * slower;
        return (executions * billedMilliseconds([[0, each]], leastMilliseconds, stepMilliseconds)) / 1_000;
      }),
    ) /
      idle.minutes) *
    MINUTES;
  const of = (ready: boolean) => {
    const seconds = [...mean.billedSeconds]
      .filter(([group]) => isReady(group, wishes) === ready)
      .map(([, each]) => each);
    return {
      perOrder: sum(seconds) * gb,
      alone: sum(seconds) * orders * gb,
      spread: sum(seconds.map((each) => sharedSeconds(orders, each))) * gb,
    };
  };
  const demand = of(false);
  const cost = withGrant(hasGrants ? functions.grant.gbSeconds : 0, functions.onDemandGbSecond.amount);
  const fixed = cost(timers * gb);
  const onDemand: Line = {
    ...{ what: 'compute', unit: 'GB-seconds', perOrder: demand.perOrder, fixed },
    alone: cost(timers * gb + demand.alone) - fixed,
    spread: cost(timers * gb + demand.spread) - fixed,
  };
  if (alwaysReady === 0) return [onDemand];
  const ready = of(true);
  const price = functions.alwaysReadyGbSecond.amount;
  const baseline =
    alwaysReady * READY_GROUPS.length * gb * MONTH_SECONDS * functions.alwaysReadyBaselineGbSecond.amount;
  return [
    onDemand,
    {
      ...{ what: 'compute, always ready', unit: 'GB-seconds', perOrder: ready.perOrder, fixed: baseline },
      alone: ready.alone * price,
      spread: ready.spread * price,
    },
  ];
}

const withGrant =
  (grant: number, price: number) =>
  (quantity: number): number =>
    Math.max(0, quantity - grant) * price;

function messaging({ prices: { serviceBus }, wishes, mean }: Given): Line {
  const { orders, isPrivate } = wishes;
  const line = { unit: 'operations', perOrder: mean.operations };
  if (isPrivate) {
    const fixed = serviceBus.premiumUnitHour.amount * MONTH_HOURS;
    return { what: 'Service Bus, Premium', ...line, fixed, alone: 0, spread: 0 };
  }
  const money = tiered(orders * mean.operations, serviceBus.standardMillionOperations.tiers);
  return {
    what: 'Service Bus, Standard',
    ...line,
    fixed: serviceBus.standardMonth.amount,
    alone: money,
    spread: money,
  };
}

function storing({ measured: { idle }, prices: { storage }, wishes, mean }: Given): Line {
  const cost = (writes: number, reads: number): number =>
    (writes * storage.tenThousandWrites.amount + reads * storage.tenThousandReads.amount) / 10_000;
  const fixed = (cost(idle.storage.writes, idle.storage.reads) / idle.minutes) * MINUTES;
  const money = cost(mean.writes, mean.reads) * wishes.orders;
  return {
    what: 'storage',
    unit: 'operations',
    perOrder: mean.writes + mean.reads,
    fixed,
    alone: money,
    spread: money,
  };
}

function logging({ measured: { idle }, prices: { logs }, wishes, mean }: Given): Line {
  const grant = wishes.hasGrants ? logs.grantGigabytes : 0;
  const cost = withGrant(grant, logs.gigabyte.amount);
  const toGb = (records: number): number => (records * logs.bytesPerRecord) / 1e9;
  const gb = toGb(((idle.logLines + idle.telemetry) / idle.minutes) * MINUTES);
  const fixed = cost(gb);
  const money = cost(gb + toGb(mean.records * wishes.orders)) - fixed;
  return { what: 'telemetry', unit: 'records', perOrder: mean.records, fixed, alone: money, spread: money };
}

function database({ prices: { database: prices }, wishes, mean }: Given): Line {
  const month = prices.months[wishes.database];
  if (month === undefined) {
    throw new Error(`expected a database of ${Object.keys(prices.months).join(', ')}, got ${wishes.database}`);
  }
  const fixed = month.amount + wishes.databaseGb * prices.gigabyteMonth.amount;
  return {
    what: `PostgreSQL, ${wishes.database}`,
    unit: 'transactions',
    perOrder: mean.commits,
    fixed,
    alone: 0,
    spread: 0,
  };
}

function network({ prices: { network: prices }, wishes }: Given): Line {
  const fixed = wishes.isPrivate ? prices.endpoints * prices.endpointHour.amount * MONTH_HOURS : 0;
  return { what: 'private endpoints', unit: '', perOrder: 0, fixed, alone: 0, spread: 0 };
}
