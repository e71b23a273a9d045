import { z } from 'zod';

const price = z.strictObject({
  amount: z.number().nonnegative(),
  per: z.string().min(1),
  /** True when Azure's list price was quoted in so many words by sources that agree; false when somebody has to look. */
  verified: z.boolean(),
  note: z.string().optional(),
});

/** An amount that gets cheaper with the quantity: `from` operations a month on, each million costs `amount`. */
const tiers = z.array(z.strictObject({ from: z.number().nonnegative(), amount: z.number().nonnegative() })).min(1);

const pricesSchema = z.strictObject({
  date: z.iso.date(),
  region: z.string(),
  currency: z.string(),
  source: z.string(),
  pages: z.array(z.string()).min(1),
  functions: z.strictObject({
    onDemandGbSecond: price,
    onDemandMillionExecutions: price,
    alwaysReadyBaselineGbSecond: price,
    alwaysReadyGbSecond: price,
    alwaysReadyMillionExecutions: price,
    /** A month, of all apps of a subscription, on demand only. */
    grant: z.strictObject({ gbSeconds: z.number(), executions: z.number() }),
    /** A stretch in which an instance is busy costs at least this long, and is then rounded up to `step`. */
    billing: z.strictObject({ leastMilliseconds: z.number(), stepMilliseconds: z.number() }),
  }),
  scheduler: z.strictObject({ millionActions: price }),
  serviceBus: z.strictObject({
    standardMonth: price,
    standardMillionOperations: z.strictObject({ tiers, verified: z.boolean() }),
    premiumUnitHour: price,
  }),
  storage: z.strictObject({ tenThousandWrites: price, tenThousandReads: price }),
  database: z.strictObject({
    months: z.record(z.string(), price),
    gigabyteMonth: price,
  }),
  logs: z.strictObject({ gigabyte: price, grantGigabytes: z.number(), bytesPerRecord: z.number() }),
  network: z.strictObject({ endpointHour: price, endpoints: z.number() }),
});
export type Prices = z.infer<typeof pricesSchema>;

/** Throws when the text is no list of prices. */
export const parsePrices = (text: string): Prices => pricesSchema.parse(JSON.parse(text));

/** Names of the prices that nobody has verified. */
export function unverified(prices: Prices): string[] {
  const found: string[] = [];
  const look = (value: unknown, name: string): void => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
    if ('verified' in value && value.verified === false) found.push(name);
    for (const [key, part] of Object.entries(value)) look(part, name === '' ? key : `${name}.${key}`);
  };
  look(prices, '');
  return found;
}
