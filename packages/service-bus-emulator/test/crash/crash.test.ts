import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type CrashReport, type CrashRun, QUEUE, runCrashes } from './crash-run';

/** `npm run crash:service-bus` asks for more. */
const messages = Number(process.env['SERVICE_BUS_CRASH_MESSAGES'] ?? 1_000);
const kills = Number(process.env['SERVICE_BUS_CRASH_KILLS'] ?? 3);
const quiet = process.env['SERVICE_BUS_CRASH_MESSAGES'] === undefined;
/** The consumer takes so many at once. */
const IN_FLIGHT = 50;

const config = JSON.stringify({
  UserConfig: {
    Namespaces: [
      {
        Name: 'sbemulatorns',
        Queues: [
          {
            Name: QUEUE,
            Properties: {
              // So that what a dead consumer holds comes back soon.
              LockDuration: 'PT5S',
              MaxDeliveryCount: 10,
              RequiresDuplicateDetection: true,
              DuplicateDetectionHistoryTimeWindow: 'PT5M',
            },
          },
        ],
      },
    ],
  },
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function crash(victim: CrashRun['victim']): Promise<CrashReport> {
  const folder = mkdtempSync(path.join(tmpdir(), 'service-bus-crash-'));
  try {
    const file = path.join(folder, 'Config.json');
    writeFileSync(file, config);
    const say = quiet ? () => {} : (text: string) => process.stdout.write(`${text}\n`);
    const report = await runCrashes({ messages, kills, victim, folder, config: file, port: await freePort(), say });
    say(JSON.stringify({ victim, ...report }));
    return report;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('Messages through a queue', () => {
  it.each(['consumer', 'emulator'] as const)(
    'are all handled, and none is completed twice, when the %s is killed again and again',
    async (victim) => {
      const report = await crash(victim);
      expect(report).toMatchObject({ lost: [], cameBack: [], completedTwice: [], deadLetters: 0, left: 0 });
      expect(report.completed + report.unsure).toBe(messages);
      expect(report.unsure).toBeLessThanOrEqual(kills * IN_FLIGHT);
    },
    120_000 + messages * 10,
  );
});
