import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { estimate } from './cost/estimate';
import type { Wishes } from './cost/estimate';
import { measure } from './cost/measure';
import { mixes, parseMeasured } from './cost/measured';
import type { Mix } from './cost/measured';
import { parsePrices } from './cost/prices';
import { showEstimate } from './cost/show';

/** What orders cost in Azure: what one was measured to take on this machine, times the prices of one file. */

const USAGE = `Usage: npm run cost -- --orders <n> [options]
  --orders <n>            a month (1000000)
  --mix <mix>             parts of ${mixes.join(', ')} (completed=80,approval=5,compensated=15)
  --memory <mb>           of an instance: 512, 2048 or 4096 (2048)
  --always-ready <n>      instances of each group that can have them (0)
  --private               a private network: private endpoints, Service Bus Premium
  --database <size>       as prices.json names it (Standard_B2s); --database-gb <n> its storage (32)
  --no-grants             without the free grants
  --slower <n>            executions take so many times as long as measured (1)
  --json                  the lines as JSON
  --measure               measures first, in about four minutes, and writes scripts/cost/measured.json
  --each <n>              with --measure: orders of each kind (5)
Ends with 0, or with 2 when the command makes no sense.`;

const MEASURED = 'scripts/cost/measured.json';
const PRICES = 'scripts/cost/prices.json';

class UsageError extends Error {}

async function main(): Promise<void> {
  const values = readOptions();
  if (values.help) {
    console.log(USAGE);
    return;
  }
  const wishes = toWishes(values);
  if (values.measure) {
    const measured = await measure({
      each: toCount('each', values.each, 1),
      idleMinutes: 2,
      say: (text) => process.stderr.write(`${text}\n`),
    });
    writeFileSync(MEASURED, `${JSON.stringify(measured, null, 2)}\n`);
  }
  const measured = parseMeasured(readFileSync(MEASURED, 'utf8'));
  const prices = parsePrices(readFileSync(PRICES, 'utf8'));
  const lines = estimate(measured, prices, wishes);
  console.log(values.json ? JSON.stringify(lines, null, 2) : showEstimate(lines, measured, prices, wishes));
}

function readOptions() {
  try {
    return parseArgs({
      options: {
        orders: { type: 'string', default: '1000000' },
        mix: { type: 'string', default: 'completed=80,approval=5,compensated=15' },
        memory: { type: 'string', default: '2048' },
        'always-ready': { type: 'string', default: '0' },
        private: { type: 'boolean', default: false },
        database: { type: 'string', default: 'Standard_B2s' },
        'database-gb': { type: 'string', default: '32' },
        'no-grants': { type: 'boolean', default: false },
        slower: { type: 'string', default: '1' },
        json: { type: 'boolean', default: false },
        measure: { type: 'boolean', default: false },
        each: { type: 'string', default: '5' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function toWishes(values: ReturnType<typeof readOptions>): Wishes {
  const memoryMb = toCount('memory', values.memory, 1);
  if (![512, 2048, 4096].includes(memoryMb)) {
    throw new UsageError(`--memory: expected 512, 2048 or 4096, got '${values.memory}'`);
  }
  const slower = Number(values.slower);
  if (!(slower > 0 && slower <= 1_000)) {
    throw new UsageError(`--slower: expected a number above 0 and up to 1000, got '${values.slower}'`);
  }
  return {
    orders: toCount('orders', values.orders, 1),
    mix: toMix(values.mix),
    memoryMb,
    alwaysReady: toCount('always-ready', values['always-ready'], 0),
    isPrivate: values.private,
    database: values.database,
    databaseGb: toCount('database-gb', values['database-gb'], 1),
    hasGrants: !values['no-grants'],
    slower,
  };
}

function toCount(option: string, text: string, least: number): number {
  if (/^\d{1,12}$/.test(text) && Number(text) >= least) return Number(text);
  throw new UsageError(`--${option}: expected a whole number from ${least} on, got '${text}'`);
}

function toMix(text: string): Record<Mix, number> {
  const mix: Record<Mix, number> = { completed: 0, approval: 0, compensated: 0 };
  for (const part of text.split(',')) {
    const [, name, number] = /^(\w+)=(\d{1,6})$/.exec(part.trim()) ?? [];
    const known = mixes.find((own) => own === name);
    if (known === undefined) {
      throw new UsageError(`--mix: expected parts such as completed=80, of ${mixes.join(', ')}, got '${part}'`);
    }
    mix[known] = Number(number);
  }
  if (Object.values(mix).every((part) => part === 0))
    throw new UsageError(`--mix: expected a part above 0, got '${text}'`);
  return mix;
}

main().catch((error: unknown) => {
  const message = error instanceof Error ? error.message : String(error);
  console.error(error instanceof UsageError ? `${message}\n${USAGE}` : message);
  process.exitCode = error instanceof UsageError ? 2 : 1;
});
