import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findFreePort, isListening } from '../../src/supervisor/addresses';
import type { Address } from '../../src/supervisor/addresses';
import { trackChildren } from '../../src/supervisor/children';
import { keepRunning } from '../../src/supervisor/keep-running';
import type { Kept } from '../../src/supervisor/keep-running';
import { startNodeService } from '../../src/supervisor/node-service';
import { pollUntil } from '../../src/supervisor/poll';
import { isAlive, signal } from '../../src/supervisor/processes';
import { createCollectedLog, type CollectedLog } from '../support/collected-log';

// Real servers, started from nothing by each test.
jest.setTimeout(90_000);

describe('a service that is kept running', () => {
  let folder: string;
  let address: Address;
  let kept: Kept | undefined;
  let pids: number[];
  let log: CollectedLog;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'functions-host-test-'));
    address = { host: '127.0.0.1', port: await findFreePort() };
    pids = [];
    log = createCollectedLog();
  });

  afterEach(async () => {
    await kept?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const keep = async (program: string): Promise<Kept> => {
    const entry = path.join(folder, 'service.js');
    await writeFile(entry, program);
    const children = trackChildren(path.join(folder, 'children.json'));
    const service = {
      name: 'bell',
      summary: 'somewhere',
      start: (call: Parameters<Parameters<typeof keepRunning>[0]['start']>[0]) =>
        startNodeService({
          name: 'bell',
          entry,
          cwd: folder,
          env: { ...process.env, PORT: String(address.port) },
          logFile: path.join(folder, 'bell.log'),
          addresses: [address],
          signal: call.signal,
          onSpawn: (child) => {
            call.onSpawn(child);
            if (child.pid !== undefined) pids.push(child.pid);
          },
        }),
    };
    return keepRunning(service, children, log);
  };
  const listening = `require('node:net').createServer().listen(Number(process.env.PORT), '127.0.0.1');`;

  it('comes back each time it is killed, and ends for good when it is stopped', async () => {
    kept = await keep(listening);
    await kept.started;
    for (const times of [1, 2]) {
      signal(pids.at(-1) ?? 0, 'SIGKILL');
      await pollUntil(() => log.messages().filter((message) => message === 'bell is up again').length === times, {
        timeoutMs: 15_000,
      });
      expect(await isListening(address)).toBe(true);
    }
    await kept.stop();
    expect(await isListening(address)).toBe(false);
    expect(pids).toHaveLength(3);
    expect(await Promise.all(pids.map(isAlive))).toEqual([false, false, false]);
    expect(log.messages()).toEqual([
      'bell ended (signal SIGKILL); starting it again',
      'bell is up again',
      'bell ended (signal SIGKILL); starting it again',
      'bell is up again',
    ]);
  });

  it('gives up with its last words when it dies at start three times', async () => {
    kept = await keep(`console.error('the bell is cracked'); process.exit(3);`);
    await expect(kept.started).rejects.toThrow(
      /^bell did not start, 3 times in a row\. bell ended with code 3 before it listened on 127\.0\.0\.1:\d+\. Its last lines, of .*bell\.log:\nthe bell is cracked$/,
    );
    expect(pids).toHaveLength(3);
  });

  it('can be stopped in the middle of a start that takes for ever', async () => {
    kept = await keep(`setInterval(() => undefined, 1000);`);
    const failed = expect(kept.started).rejects.toThrow('bell ended with');
    await pollUntil(() => pids.length > 0, { timeoutMs: 15_000 });
    await kept.stop();
    await failed;
    expect(await isAlive(pids[0] ?? 0)).toBe(false);
  });

  it('ends a service that ignores being told, by force', async () => {
    kept = await keep(`${listening} process.on('SIGTERM', () => undefined); process.on('exit', () => { for (;;); });`);
    await kept.started;
    await kept.stop();
    expect(await isAlive(pids[0] ?? 0)).toBe(false);
  });
});
