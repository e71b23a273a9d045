import { makeFolder, stopHosts } from '../support/host-process';
import { runCrashes } from './crash-run';
import type { Form } from './crashing-hosts';

/** `npm run crash` asks for more. */
const kills = Number(process.env['CRASH_KILLS'] ?? 10);
const seed = Number(process.env['CRASH_SEED'] ?? 20_260_101);
const forms: readonly Form[] = ['host', 'pair', 'supervisor'];

describe('hosts that are killed again and again', () => {
  afterAll(stopHosts);

  it(
    'end every saga that was accepted exactly once, with every event that was accepted',
    async () => {
      const say =
        process.env['CRASH_KILLS'] === undefined ? () => {} : (text: string) => process.stdout.write(`${text}\n`);
      const report = await runCrashes({ kills, seed, forms, makeFolder, say });
      say(JSON.stringify({ seed, ...report }, null, 2));
      // Each saga of the first kind has two sub-orchestrations.
      expect(report.unfinished).toBe(0);
      expect(report.sagas).toBeGreaterThan(0);
      expect(report.signalsApplied).toBe(report.signals);
      expect(report.instances).toBeGreaterThanOrEqual(report.sagas);
    },
    60_000 + kills * 10_000,
  );
});
