import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { HttpHandler } from '@azure/functions';
import { createRedriver } from '../../src/triggers/dead-letter-redrive';
import { listDeadLetters, showDeadLetter, sumUpDeadLetters } from '../../src/triggers/http/show-dead-letters';
import {
  discardDeadLetter,
  editDeadLetter,
  redriveDeadLetter,
  redriveDeadLetters,
} from '../../src/triggers/http/steer-dead-letters';
import type { DeadLetters } from '../../src/ports';
import { createInMemoryDeadLetters } from '../support/in-memory-dead-letters';
import { createInMemorySender } from '../support/in-memory-sender';
import type { InMemorySender } from '../support/in-memory-sender';
import { callHttp } from '../support/invoke';
import { createTestClock } from '../support/orders-database';
import { sampleDeadLetter } from '../support/sample-dead-letters';

/** The script of `npm run dead-letters` against the app's own handlers, over dead letters in memory. */
const script = path.join(__dirname, '../../dist/scripts/dead-letters.js');
const KEY = 'the-master-key';
const order = {
  orderId: 'o-1',
  customerId: 'ALFKI',
  lines: [{ sku: 'tea', quantity: 1 }],
  paymentMethod: 'pm_card_visa',
};
const samples = [sampleDeadLetter('a'), sampleDeadLetter('bb'), sampleDeadLetter('ccc', { told: 'timeout' })] as const;
const [a, b, c] = samples;

let server: Server;
let url: string;
let letters: DeadLetters;
let sender: InMemorySender;
let routes: readonly (readonly [string, RegExp, HttpHandler])[];

beforeAll(async () => {
  server = createServer((request, response) => {
    answer(request).then(
      ({ status, body }) => response.writeHead(status).end(JSON.stringify(body)),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => void server.close());

beforeEach(async () => {
  const clock = createTestClock();
  letters = createInMemoryDeadLetters(clock);
  sender = createInMemorySender();
  const redriver = createRedriver({ deadLetters: letters, sender, clock, pause: async (time) => clock.advance(time) });
  const deps = { deadLetters: letters, redriver, clock };
  routes = [
    ['GET', /^$/, listDeadLetters(deps)],
    ['GET', /^\/summary$/, sumUpDeadLetters(deps)],
    ['POST', /^\/redrive$/, redriveDeadLetters(deps)],
    ['GET', /^\/([^/]+)$/, showDeadLetter(deps)],
    ['PATCH', /^\/([^/]+)$/, editDeadLetter(deps)],
    ['POST', /^\/([^/]+)\/redrive$/, redriveDeadLetter(deps)],
    ['POST', /^\/([^/]+)\/discard$/, discardDeadLetter(deps)],
  ];
  for (const letter of samples) {
    await letters.keep(letter);
    clock.advance(1_000);
  }
});

async function answer(request: IncomingMessage): Promise<{ status: number; body: unknown }> {
  if (request.headers['x-functions-key'] !== KEY) return { status: 401, body: '' };
  const { pathname, search } = new URL(request.url ?? '', url);
  const own = pathname.replace(/^\/api\/dead-letters/, '');
  const route = routes.find(([method, form]) => method === request.method && form.test(own));
  if (!route) return { status: 404, body: {} };
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const id = route[1].exec(own)?.[1];
  const body = Buffer.concat(chunks).toString();
  const options = { ...(id !== undefined && { params: { id } }), ...(body !== '' && { body }) };
  return callHttp(route[2], route[0], pathname + search, options);
}

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(...args: string[]): Promise<Run> {
  const all = args.includes('--url') ? args : [...args, '--url', url, '--key', KEY];
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [script, ...all], (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err });
    });
    child.stdin?.end();
  });
}
const json = ({ out }: Run): unknown => JSON.parse(out);

describe('npm run dead-letters', () => {
  it('lists them, filtered, as a table and as JSON', async () => {
    const { code, out } = await run('list', '--reason', 'invalid_message');
    expect(code).toBe(0);
    const lines = out
      .trim()
      .split('\n')
      .map((line) => line.split(/ {2,}/));
    expect(lines[0]).toEqual(['id', 'status', 'reason', 'team', 'entity', 'storedAt', 'messageId']);
    expect(lines.slice(1).map(([id]) => id)).toEqual([b.id, a.id]);
    expect(json(await run('list', '--json', '--limit', '2'))).toMatchObject([{ id: c.id }, { id: b.id }]);
    expect((await run('list', '--status', 'discarded')).out).toBe('No dead letters.\n');
  });

  it('sums them up', async () => {
    const { out } = await run('summary');
    expect(out).toContain('3 dead letters');
    expect(out).toMatch(/by reason\n +2 {2}invalid_message\n +1 {2}timeout/);
    expect(json(await run('summary', '--json', '--team', 'database'))).toMatchObject({ total: 1 });
  });

  it('shows one with what it would be refused for', async () => {
    const { code, out } = await run('show', a.id);
    expect(code).toBe(0);
    expect(out).toContain(a.id);
    expect(out).toMatch(/would be refused for\n {2}body\.customerId: /);
    expect(await run('show', 'dl-nothing')).toMatchObject({
      code: 1,
      err: 'No dead letter has the id "dl-nothing".\n',
    });
  });

  it('edits one from a file, and says everything that is wrong with an edit', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'dead-letters-'));
    const file = path.join(folder, 'order.json');
    await writeFile(file, JSON.stringify(order));
    const edited = await run(
      'edit',
      a.id,
      '--body-file',
      file,
      '--property',
      'tries=2',
      '--property',
      'by=hand',
      '--by',
      'Ann',
      '--note',
      'asked',
    );
    await rm(folder, { recursive: true });
    expect(edited).toMatchObject({ code: 0, err: '' });
    expect(edited.out).toMatch(/edited by Ann: body, properties\.tries, properties\.by: asked/);
    expect(await letters.find(a.id)).toMatchObject({
      edited: { body: { text: JSON.stringify(order) }, applicationProperties: { tries: 2, by: 'hand' } },
    });
    const refused = await run('edit', a.id, '--body', '{"customerId":"","lines":[]}');
    expect(refused.code).toBe(1);
    expect(refused.err).toMatch(
      /^The request has 3 violations\.\n {2}body\.customerId: .*\n {2}body\.lines: .*\n {2}body\.paymentMethod: /,
    );
    expect((await run('edit', a.id)).code).toBe(2);
    expect((await run('edit', a.id, '--body-file', '/nowhere')).err).toContain('--body-file: ENOENT');
  });

  it('redrives one, some or all that match, and tries it first', async () => {
    const trial = await run('redrive', '--reason', 'invalid_message', '--dry-run');
    expect(trial).toMatchObject({ code: 0 });
    expect(trial.out).toContain(`${a.id}  would be sent to orders as ${a.id}/0`);
    expect(trial.out).toContain('2 would be redriven, 0 failed');
    expect(sender.sent).toEqual([]);
    expect((await run('redrive', c.id)).out).toContain('1 redriven, 0 failed');
    expect((await run('redrive', '--all', '--per-second', '100')).out).toContain('2 redriven, 0 failed');
    expect(sender.sent.map(({ message }) => message.messageId)).toEqual([c, a, b].map(({ id }) => `${id}/0`));
    const again = await run('redrive', c.id, '--json');
    expect(again.code).toBe(1);
    expect(json(again)).toMatchObject({
      redriven: [],
      failed: [{ id: c.id, reason: `Dead letter ${c.id} is redriven.` }],
    });
  });

  it('ends with 1 when one could not be sent', async () => {
    sender.failNext('before');
    const { code, out } = await run('redrive', '--reason', 'timeout');
    expect(code).toBe(1);
    expect(out).toContain(`${c.id}  not sent: failed on purpose`);
  });

  it('discards', async () => {
    expect((await run('discard', a.id, b.id, '--note', 'tests')).code).toBe(0);
    expect(await letters.list({ status: 'discarded' }, { limit: 9 })).toHaveLength(2);
  });

  it.each([
    [['redrive'], 'expected ids, or a filter such as --reason, or --all'],
    [['redrive', '--all', '--reason', 'timeout'], 'one of the three'],
    [['show'], 'expected the id of one dead letter'],
    [['dance'], 'expected one of list, summary, show, edit, redrive, discard, got dance'],
    [[], 'got nothing'],
    [['list', '--colour', 'red'], "Unknown option '--colour'"],
    [['list', '--limit', 'many'], '--limit: expected a number from 1, got "many"'],
    [['list', '--url', 'nowhere'], '--url: expected a URL, got "nowhere"'],
    [['edit', 'dl-x', '--property', 'name'], '--property: expected <name>=<value>, got "name"'],
  ])('refuses %j, and says how to use it', async (args, message) => {
    const { code, err } = await run(...args);
    expect(code).toBe(2);
    expect(err).toContain(message);
    expect(err).toContain('Usage: npm run dead-letters');
  });

  it('says what to do without an app, without its key, and with --help', async () => {
    expect(await run('list', '--url', 'http://127.0.0.1:1')).toMatchObject({
      code: 1,
      err: expect.stringMatching(
        /^The app does not answer at http:\/\/127\.0\.0\.1:1 .*Start it with `npm start`/,
      ) as string,
    });
    expect(await run('list', '--url', url)).toMatchObject({ code: 1, err: expect.stringContaining('--key') as string });
    expect(await run('list', '--reason', 'bad')).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^The request has 1 violation\.\n {2}reason: expected one of not_json/) as string,
    });
    expect(await run('--help')).toMatchObject({ code: 0, out: expect.stringContaining('redrive <filter>') as string });
  });
});
