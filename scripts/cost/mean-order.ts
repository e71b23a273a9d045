import { billedMilliseconds } from './billing';
import { mixes } from './measured';
import type { Measured, MeasuredOrder, Mix } from './measured';
import type { Prices } from './prices';

/** What one order takes, on average over a mix of them. */
export interface MeanOrder {
  /** By group of functions that share instances. */
  readonly executions: ReadonlyMap<string, number>;
  readonly billedSeconds: ReadonlyMap<string, number>;
  readonly actions: number;
  /** Of Service Bus. */
  readonly operations: number;
  readonly writes: number;
  readonly reads: number;
  /** Of the app; the task hub's are Durable Task Scheduler's in Azure. */
  readonly commits: number;
  /** Of telemetry: spans and lines of the log. */
  readonly records: number;
}

interface Weights {
  readonly mix: Readonly<Record<Mix, number>>;
  readonly slower: number;
}

type Billing = Prices['functions']['billing'];

export function toMean({ orders }: Measured, billing: Billing, { mix, slower }: Weights): MeanOrder {
  const parts = mixes.reduce((sum, name) => sum + mix[name], 0);
  const weighted = mixes.flatMap((name) =>
    orders[name].map((order) => ({ order, weight: mix[name] / parts / orders[name].length })),
  );
  const mean = (of: (order: MeasuredOrder) => number): number =>
    weighted.reduce((sum, { order, weight }) => sum + weight * of(order), 0);
  const groups = [...new Set(weighted.flatMap(({ order }) => Object.keys(order.groups)))];
  const byGroup = (of: (group: MeasuredOrder['groups'][string]) => number): Map<string, number> =>
    new Map(
      groups.map((name) => [
        name,
        mean(({ groups: own }) => {
          const group = own[name];
          return group === undefined ? 0 : of(group);
        }),
      ]),
    );
  const { leastMilliseconds, stepMilliseconds } = billing;
  return {
    executions: byGroup((group) => group.executions),
    billedSeconds: byGroup(({ busy }) => {
      const slowed = busy.map(([from, to]) => [from * slower, to * slower] as const);
      return billedMilliseconds(slowed, leastMilliseconds, stepMilliseconds) / 1_000;
    }),
    actions: mean(({ actions }) => actions),
    operations: mean(({ messages }) => messages.sent + OPERATIONS_PER_DELIVERY * messages.delivered),
    writes: mean(({ storage }) => storage.writes),
    reads: mean(({ storage }) => storage.reads),
    commits: mean(({ commits }) => commits.app),
    records: mean(({ spans, logLines }) => spans + logLines),
  };
}

/** A message that is taken costs its delivery and its settlement. */
const OPERATIONS_PER_DELIVERY = 2;
