import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { startHostProcess, stopHosts } from '../../packages/functions-host/test/support/host-process';
import type { HostProcess } from '../../packages/functions-host/test/support/host-process';
import { writeApp } from '../../packages/functions-host/test/support/write-app';
import { startAnswering } from '../support/deploy-steps';
import { until } from '../support/running-app';

/** The gate as it is run: the built script in a process of its own, against a host with orders that wait. */

const ORDERS = 500;
const root = path.resolve(__dirname, '../..');
let folder: string;
let host: HostProcess;
/** The script of today's sources, and of those in which two steps of `placeOrder` have changed places. */
let today: string;
let swapped: string;

const RESERVING = / +yield\* saga\.map\(reservations[\s\S]*?\}\);\n/;
const APPROVING = / +if \(total > order\.approval\.threshold\)[^\n]*\n/;

/** `placeOrder` with the approval before the reservations. */
async function swapSteps(file: string): Promise<string> {
  const text = await readFile(file, 'utf8');
  const reserving = RESERVING.exec(text)?.[0];
  const approving = APPROVING.exec(text)?.[0];
  if (reserving === undefined || approving === undefined) throw new Error(`expected the two steps in ${file}`);
  return text.replace(approving, '').replace(reserving, approving + reserving);
}

async function buildGate(name: string, isSwapped: boolean): Promise<string> {
  const outfile = path.join(folder, `${name}.js`);
  await build({
    absWorkingDir: root,
    entryPoints: ['scripts/replay-gate.ts'],
    outfile,
    bundle: true,
    platform: 'node',
    conditions: ['source'],
    external: ['@azure/functions-core', 'pg-native'],
    logLevel: 'error',
    plugins: [
      {
        name: 'swap',
        setup: ({ onLoad }) =>
          onLoad({ filter: /orchestrations\/place-order\.ts$/ }, async (file) => ({
            contents: isSwapped ? await swapSteps(file.path) : await readFile(file.path, 'utf8'),
            loader: 'ts',
          })),
      },
    ],
  });
  return outfile;
}

async function run(script: string, ...args: string[]) {
  return runWith({}, script, ...args);
}

async function runWith(env: Readonly<Record<string, string>>, script: string, ...args: string[]) {
  return new Promise<{ code: number; out: string[]; err: string }>((resolve) => {
    execFile(process.execPath, [script, ...args], { env: { ...process.env, ...env } }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out: out.trimEnd().split('\n'), err });
    });
  });
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'replay-gate-'));
  [today, swapped] = await Promise.all([buildGate('today', false), buildGate('swapped', true)]);
  const { outputFiles } = await build({
    entryPoints: [path.join(root, 'test/fixtures/waiting-orders-app.ts')],
    bundle: true,
    write: false,
    platform: 'node',
    packages: 'external',
  });
  host = await startHostProcess(await writeApp({ 'index.js': outputFiles[0]?.text ?? '' }));
  await fetch(`${host.url}/api/orders/${ORDERS}`, { method: 'POST' });
  const instances = `${host.url}/runtime/webhooks/durabletask/instances`;
  await until('all orders wait', 60_000, async () => {
    const listed = (await (await fetch(`${instances}?top=${ORDERS}`)).json()) as { customStatus?: { state: string } }[];
    const waiting = listed.filter(({ customStatus }) => customStatus?.state === 'waiting');
    return waiting.length === ORDERS ? true : undefined;
  });
}, 120_000);

afterAll(async () => {
  await stopHosts();
  await rm(folder, { recursive: true, force: true });
});

describe('the replay gate', () => {
  it('passes for the build that runs', async () => {
    const { code, out } = await run(today, '--from', host.url);
    expect(out).toEqual(['500 instances: 500 same']);
    expect(code).toBe(0);
  });

  it('fails for a build in which two steps have changed places, and names the step', async () => {
    const { code, out, err } = await run(swapped, '--from', host.url);
    expect({ code, err, out }).toEqual({
      code: 1,
      err: '',
      out: [
        '500 instances: 0 same, 500 differ',
        expect.stringMatching(
          /^placeOrder o\d+ and 249 more \(version 2\): differs at step reserveStock, event \d+ of/,
        ),
        expect.stringMatching(/^ {2}history: reserveStock#(tea|cup)$/),
        '  code:    requestApproval#1',
        expect.stringMatching(
          /^ {2}mend: {4}give placeOrder another version than '2', .*if \(saga\.version === '2'\) \{ yield\* saga\.step\(reserveStock, \.\.\.\);/,
        ),
        expect.stringMatching(/^placeOrder o\d+ and 249 more/),
        expect.any(String),
        expect.any(String),
        expect.any(String),
      ],
    });
  });

  it('prints nothing of what customers have ordered, unless it is asked to', async () => {
    const quiet = await run(swapped, '--from', host.url, '--sample', '3');
    expect(quiet.out[0]).toBe('3 instances of 500 unfinished: 0 same, 3 differ');
    expect(quiet.out.join()).not.toContain('maria');
    const open = await run(swapped, '--from', host.url, '--sample', '3', '--show-payloads');
    expect(open.out.join()).toContain('maria@example.com');
  });

  it('leaves out the sagas of smoke orders, and no others, when it is told to', async () => {
    const smoke = `smoke-${randomUUID()}`;
    const ids = [smoke, `${smoke}:recover`, 'smoke-by-hand', `my-${smoke}`];
    const app = await startAnswering((request) =>
      request.includes('/instances?')
        ? [200, ids.map((instanceId) => ({ instanceId, name: 'placeOrder', runtimeStatus: 'Running' }))]
        : [404, ''],
    );
    try {
      expect((await run(today, '--from', app.url)).out).toEqual(['0 instances of 4 unfinished: 0 same']);
      const { out } = await run(today, '--from', app.url, '--without-smoke-orders');
      expect(out).toEqual(['0 instances of 2 unfinished: 0 same']);
    } finally {
      await app.stop();
    }
  });

  it.each([
    [['--from', 'nowhere'], "expected the address of a running app, such as http://localhost:7071, got 'nowhere'"],
    [['--from', 'http://127.0.0.1:1'], 'could not reach http://127.0.0.1:1'],
    [[], 'expected --from <url>'],
    [['--from', 'http://127.0.0.1:1', '--sample', 'some'], "--sample: expected a whole number from 1 on, got 'some'"],
    [['--form', 'http://127.0.0.1:1'], '--form'],
  ])('can not run with %j, and says why', async (args, why) => {
    const { code, err } = await run(today, ...args);
    expect(code).toBe(2);
    expect(err).toContain(why);
  });

  it('says so when its key is refused, and gives it away nowhere', async () => {
    const asked: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url);
      response.writeHead(asked.length === 1 ? 401 : 403).end();
    }).listen(0, '127.0.0.1');
    await new Promise((listening) => server.once('listening', listening));
    const from = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      for (const status of [401, 403]) {
        const { code, err, out } = await runWith({ REPLAY_GATE_KEY: 'secret-key' }, today, '--from', from);
        expect(code).toBe(2);
        expect(err).toContain(`${from} answered ${status} when it was asked for its instances`);
        expect(err + out.join()).not.toContain('secret-key');
      }
      expect(asked[0]).toContain('code=secret-key');
    } finally {
      server.close();
    }
  });
});
