import { setTimeout as sleep } from 'node:timers/promises';
import { seeded } from '../../functions-host/test/crash/random';
import type { HostProcess } from '../../functions-host/test/support/host-process';
import { makeFolder, startHostProcess, stopHosts } from '../../functions-host/test/support/host-process';
import type { TestPostgres } from '../../functions-host/test/support/postgres-server';
import { startTestPostgres } from '../../functions-host/test/support/postgres-server';
import type { InstanceStatus } from '../src';
import { writeFixtureApp } from './support/write-fixture-app';

const SEED = 20_261_121;
const KILLS = 8;
const ITEMS = 160;
const LONGEST_RUN_MS = 500;
const STUCK_AFTER_MS = 120_000;

describe('a saga of many histories on a host that is killed again and again', () => {
  let server: TestPostgres;
  beforeAll(async () => {
    server = await startTestPostgres();
  });
  afterAll(async () => {
    await stopHosts();
    await server.stop();
  });

  it('takes each of its events once, in order', async () => {
    const appDir = await writeFixtureApp('collect-app', {
      'host.json': '{ "version": "2.0", "extensions": { "durableTask": { "hubName": "Histories" } } }',
    });
    const options = { taskHub: server.url, dataDir: await makeFolder() };
    let host: HostProcess = await startHostProcess(appDir, options);
    const deadline = performance.now() + STUCK_AFTER_MS;

    /** Asks until it is accepted: a host that was killed may have heard it all the same. */
    const insist = async (method: string, where: string): Promise<string> => {
      for (;;) {
        const answer = await fetch(`${host.url}/api/collect/a${where}`, { method })
          .then(async (got) => ({ status: got.status, text: await got.text() }))
          .catch(() => undefined);
        if (answer !== undefined && answer.status < 300) return answer.text;
        if (performance.now() > deadline) throw new Error(`${where}: ${JSON.stringify(answer)}\n${host.output()}`);
        await sleep(20);
      }
    };
    const send = async (): Promise<void> => {
      await insist('POST', `/${ITEMS}`);
      for (let n = 1; n <= ITEMS; n += 1) await insist('PUT', `/items/${n}`);
    };
    const kill = async (): Promise<void> => {
      const random = seeded(SEED);
      for (let kills = 0; kills < KILLS; kills += 1) {
        await sleep(random() * LONGEST_RUN_MS);
        await host.kill();
        host = await startHostProcess(appDir, options);
      }
    };
    await Promise.all([send(), kill()]);

    let status: InstanceStatus<number[]>;
    do status = JSON.parse(await insist('GET', '')) as InstanceStatus<number[]>;
    while (status.runtimeStatus !== 'Completed' && performance.now() < deadline);
    expect(status.outcome).toEqual({ outcome: 'completed', result: Array.from({ length: ITEMS }, (_, n) => n + 1) });
    expect(status.generation).toBe(ITEMS / 4);
  }, 180_000);
});
