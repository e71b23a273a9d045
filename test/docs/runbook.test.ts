import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { appFunctions } from '../support/app-functions';
import type { AppFunction } from '../support/app-functions';
import { startOrdersDatabase } from '../support/orders-database';
import type { OrdersDatabase } from '../support/orders-database';
import { anchorsOf } from './markdown';

/*
 * Somebody who reads a runbook is in a hurry: what it names is there, and what it says to run runs.
 */

const root = path.join(__dirname, '../..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');
const runbook = read('docs/runbook.md');
const isPage = (file: string): boolean => existsSync(path.join(root, file));
const pages = ['README.md', ...['runbook', 'cost', 'dead-letters', 'deployment'].map((page) => `docs/${page}.md`)];
const found = (text: string, pattern: RegExp): string[] => [
  ...new Set([...text.matchAll(pattern)].map(([, first = '']) => first)),
];

let functions: readonly AppFunction[];
beforeAll(async () => {
  functions = await appFunctions();
}, 60_000);

describe.each(pages)('%s', (page) => {
  it('names npm scripts that there are', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = found(read(page), /npm run ([a-z][\w:-]*)/g);
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });

  it('leads to pages and headings that there are', () => {
    const links = found(read(page), /\]\((?!https?:|mailto:)([^)\s]+)\)/g);
    const isThere = (link: string): boolean => {
      const [file = '', anchor] = link.split('#');
      const target = file === '' ? page : path.join(path.dirname(page), file);
      return isPage(target) && (anchor === undefined || anchorsOf(read(target)).includes(anchor));
    };
    expect(links.filter((link) => !isThere(link))).toEqual([]);
  });
});

describe('the runbook', () => {
  it('asks for routes that there are, with their methods', () => {
    const asked = requestsIn(runbook);
    expect(asked.length).toBeGreaterThan(20);
    expect(asked.filter((request) => !isServed(request))).toEqual([]);
  });

  it('names functions, settings and tables as they are called', () => {
    const words = found(runbook, /`([a-z]+[A-Z]\w*)`/g);
    const known = [...functions.map(({ name }) => name), ...reasons(), ...fields];
    expect(words.filter((word) => !known.includes(word))).toEqual([]);
    const settings = found(runbook, /\b([A-Z]+(?:_[A-Z]+)+)\b/g);
    const places = [
      'src/config.ts',
      'scripts/replay-gate.ts',
      'scripts/dead-letters/options.ts',
      'scripts/deploy/smoke.ts',
      'infra/main.bicepparam',
    ];
    const texts = [...places.filter((file) => existsSync(path.join(root, file))).map(read), ...platform];
    expect(settings.filter((name) => !texts.some((text) => text.includes(name)))).toEqual([]);
  });

  it('runs SQL that the tables understand', async () => {
    const statements = [...runbook.matchAll(/```sql\n([\s\S]*?)```/g)]
      .flatMap(([, block = '']) => block.split(';'))
      .map((statement) =>
        statement
          .trim()
          .replaceAll(/'<id>'/g, "'walk-1'")
          .replaceAll(/'<[^>]+>'/g, "'2026-01-31T12:00:00Z'"),
      )
      .filter((statement) => statement !== '');
    expect(statements.length).toBeGreaterThan(8);
    let orders: OrdersDatabase | undefined;
    try {
      orders = await startOrdersDatabase();
      for (const statement of statements) await orders.database.query(`explain ${statement}`);
    } finally {
      await orders?.stop();
    }
  }, 120_000);
});

/** Codes of failures that the sagas' steps and bodies give. */
const reasons = (): string[] =>
  ['activities', 'orchestrations'].flatMap((folder) =>
    readdirSync(path.join(root, folder)).flatMap((file) =>
      found(read(`${folder}/${file}`), /(?:code: |refusal\()'(\w+)'/g),
    ),
  );
/** Fields of answers, and states, that it speaks of. */
const fields = ['compensationFailed', 'updatedAt', 'orderId', 'pastPivot', 'settledByHand'];
/** What others read. */
const platform = ['APP_URL APP_KEY AZURE_LOCATION REPLAY_GATE_KEY', 'APPLICATIONINSIGHTS_CONNECTION_STRING'];

interface Request {
  readonly method: string;
  readonly path: string;
}

function requestsIn(page: string): Request[] {
  const said = [...page.matchAll(/`(GET|POST|PATCH|PUT|DELETE) (\/[^`?\s]*)/g)].map(([, method = '', url = '']) => ({
    method,
    path: url,
  }));
  const asked = [...page.matchAll(/\bask (.*?)"\$APP_URL\/([^"?]*)[^"]*"([^\n]*)/g)].map(
    ([, before = '', url = '', after = '']) => {
      const told = /--request (\w+)/.exec(before + after)?.[1];
      return { method: told ?? (after.includes('--data') ? 'POST' : 'GET'), path: `/${url}` };
    },
  );
  return [...said, ...asked];
}

/** Of the platform, where no function of the app is: the host's administration, and the durable API. */
const ofPlatform = [
  /^GET \/admin\/host\/status$/,
  /^GET \/admin\/functions$/,
  /^POST \/runtime\/webhooks\/durabletask\/instances\/\{id\}\/resume$/,
];

function isServed({ method, path: url }: Request): boolean {
  if (ofPlatform.some((pattern) => pattern.test(`${method} ${url}`))) return true;
  const run = /^\/admin\/functions\/(\w+)$/.exec(url)?.[1];
  if (run !== undefined) return method === 'POST' && functions.some(({ name }) => name === run);
  const parts = url.replace(/^\/api\//, '').split('/');
  return functions.some(({ route, methods }) => {
    if (route === undefined || route.startsWith('{*') || !methods.includes(method)) return false;
    const own = route.split('/');
    return own.length === parts.length && own.every((part, at) => part.startsWith('{') || part === parts[at]);
  });
}
