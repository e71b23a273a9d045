import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { createOutbox } from '../../src/postgres';
import type { SagaDatabase } from '../support/saga-database';
import { startSagaDatabase } from '../support/saga-database';

const LANES = 10;
const EACH = 40;
const KILLS = 8;

let database: SagaDatabase;
let folder: string;

beforeAll(async () => {
  database = await startSagaDatabase();
  folder = await mkdtemp(path.join(os.tmpdir(), 'outbox-kill-'));
  await build({
    entryPoints: [require.resolve('../fixtures/relay')],
    outfile: path.join(folder, 'relay.js'),
    bundle: true,
    platform: 'node',
    // No part of the test: the driver is found from here.
    external: ['pg-native'],
  });
}, 120_000);

afterAll(async () => {
  await database.stop();
  await rm(folder, { recursive: true, force: true });
});

interface Line {
  readonly lane: string;
  readonly id: string;
}

function published(): Line[] {
  const file = path.join(folder, 'published');
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  return lines.map((line) => {
    const [lane = '', id = ''] = line.split(' ');
    return { lane, id };
  });
}

async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`never came true: ${what}`);
    await new Promise(setImmediate);
  }
}

function startRelay(): ChildProcess {
  const file = path.join(folder, 'published');
  return spawn(process.execPath, [path.join(folder, 'relay.js'), database.url, file], { stdio: 'inherit' });
}

async function kill(relay: ChildProcess): Promise<void> {
  const ended = once(relay, 'exit');
  relay.kill('SIGKILL');
  await ended;
}

describe('relays that are killed', () => {
  it('lose nothing, keep the order of each key, and send again only with the same id', async () => {
    const outbox = createOutbox({ clock: () => new Date(0) });
    const lanes = Array.from({ length: LANES }, (_, n) => `lane-${n}`);
    for (let n = 0; n < EACH; n += 1) {
      await database.transaction(async (tx) => {
        for (const lane of lanes) {
          await outbox.put(tx, { id: `${lane}/${n}`, topic: 't', payload: n, orderingKey: lane });
        }
      });
    }
    const relays = [startRelay(), startRelay()];
    const isOver = async (): Promise<boolean> =>
      (await database.pool.query(`select 1 from saga_outbox where state <> 'sent' limit 1`)).rows.length === 0;
    let kills = 0;
    try {
      for (; kills < KILLS && !(await isOver()); kills += 1) {
        const enough = published().length + 7 * kills;
        await until('the relays go on', async () => published().length > enough || (await isOver()));
        const [victim] = relays.splice(0, 1);
        if (victim) await kill(victim);
        relays.push(startRelay());
      }
      await until('everything is sent', isOver);
    } finally {
      await Promise.all(relays.map(kill));
    }
    expect(kills).toBeGreaterThan(1);
    const lines = published();
    for (const lane of lanes) {
      const ids = new Set(lines.filter((line) => line.lane === lane).map(({ id }) => id));
      expect([...ids]).toEqual(Array.from({ length: EACH }, (_, n) => `${lane}/${n}`));
    }
  }, 90_000);
});
