import { z } from 'zod';

/** How orders end, for which a local run measures what one of them takes. */
export const mixes = ['completed', 'approval', 'compensated'] as const;
export type Mix = (typeof mixes)[number];

const count = z.number().nonnegative();
const interval = z.tuple([count, count]);

const orderSchema = z.strictObject({
  /** By the group of functions that share instances in Flex Consumption. */
  groups: z.record(
    z.string(),
    z.strictObject({
      executions: count,
      /** When something ran, in milliseconds since the order was placed. Executions that overlap are one stretch. */
      busy: z.array(interval),
    }),
  ),
  /** What Durable Task Scheduler counts: each message that it dispatches to the app. */
  actions: count,
  messages: z.strictObject({ sent: count, delivered: count }),
  storage: z.strictObject({ writes: count, reads: count }),
  /** Transactions, the app's and the local task hub's. */
  commits: z.strictObject({ app: count, taskHub: count }),
  logLines: count,
  /** Of telemetry: the app's and the host's, of all traces that the order is in. */
  spans: count,
});
export type MeasuredOrder = z.infer<typeof orderSchema>;

const measuredSchema = z.strictObject({
  /** What it was measured on. */
  measured: z.strictObject({ at: z.iso.datetime(), node: z.string() }),
  orders: z.strictObject({
    completed: z.array(orderSchema).min(1),
    approval: z.array(orderSchema).min(1),
    compensated: z.array(orderSchema).min(1),
  }),
  /** Of an app that nobody asks for anything, per minute; timers that run seldom than that are left out. */
  idle: z.strictObject({
    minutes: count,
    /** Executions, and milliseconds of them, by timer. */
    timers: z.record(z.string(), z.strictObject({ executions: count, milliseconds: count })),
    storage: z.strictObject({ writes: count, reads: count }),
    commits: z.strictObject({ app: count, taskHub: count }),
    logLines: count,
    /** Spans and points of measures. */
    telemetry: count,
  }),
});
export type Measured = z.infer<typeof measuredSchema>;

/** Throws when the text is no measurement of this version. */
export const parseMeasured = (text: string): Measured => measuredSchema.parse(JSON.parse(text));
