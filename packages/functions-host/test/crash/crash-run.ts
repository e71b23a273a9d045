/**
 * Kills hosts at random moments, again and again, while clients start orchestrations and send events, and checks what
 * became of each of them. The same seed gives the same moments and the same victims; how far the work is by then differs.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { startTestPostgres, type TestPostgres } from '../support/postgres-server';
import { runSaga, type Tally } from './crash-clients';
import { startHosts, type CrashingHosts, type Form } from './crashing-hosts';
import { seeded } from './random';

export interface CrashRun {
  readonly kills: number;
  readonly seed: number;
  readonly forms: readonly Form[];
  readonly makeFolder: () => Promise<string>;
  readonly say: (text: string) => void;
}

export interface CrashReport extends Tally {
  readonly kills: number;
  readonly databaseKills: number;
  readonly seconds: number;
  /** What the shared entity has counted. */
  readonly signalsApplied: number;
  /** Of all orchestrations in the store, sub-orchestrations too. */
  readonly instances: number;
  readonly unfinished: number;
}

/** So many clients at a time. */
const CLIENTS = 24;
/** One kill in so many is the database's. */
const DATABASE_EVERY = 9;
const LONGEST_RUN_MS = 500;
/** Whatever has not ended so long after the last kill is stuck. */
const STUCK_AFTER_MS = 60_000;

export async function runCrashes(run: CrashRun): Promise<CrashReport> {
  const server = await startTestPostgres();
  const startedAt = Date.now();
  const tally: Tally = { sagas: 0, signals: 0, events: 0, repeated: 0, arrivedUnknown: 0 };
  let hosts: CrashingHosts | undefined;
  try {
    const random = seeded(run.seed);
    const open = async (form: Form): Promise<CrashingHosts> =>
      startHosts[form]({ taskHub: server.url, makeFolder: run.makeFolder });
    hosts = await open(run.forms[0] ?? 'host');
    let deadline = Infinity;
    const over = new AbortController();
    let next = 0;
    const client = async (): Promise<void> => {
      const own = seeded(run.seed + next);
      while (!over.signal.aborted) {
        await runSaga({ hosts: () => hosts!, random: own, tally, deadline: () => deadline }, next++);
      }
    };
    const clients = Promise.all(Array.from({ length: CLIENTS }, client)).finally(() => over.abort());
    let kills = 0;
    let databaseKills = 0;
    const killing = (async () => {
      for (const [at, form] of run.forms.entries()) {
        if (at > 0) {
          await hosts.stop();
          hosts = await open(form);
        }
        const share = Math.floor(run.kills / run.forms.length) + (at < run.kills % run.forms.length ? 1 : 0);
        for (let i = 1; i <= share; i++) {
          await sleep(random() * LONGEST_RUN_MS);
          if (over.signal.aborted) return;
          kills += 1;
          if (kills % DATABASE_EVERY === 0) {
            databaseKills += 1;
            await server.kill();
            await server.restart();
          } else await hosts.killOne(random);
          if (kills % 10 === 0) run.say(`${form}: ${kills} of ${run.kills} kills, ${tally.sagas} sagas done`);
        }
      }
      over.abort();
      deadline = Date.now() + STUCK_AFTER_MS;
    })();
    const [ended, killed] = await Promise.allSettled([clients, killing]);
    if (ended.status === 'rejected') throw ended.reason;
    if (killed.status === 'rejected') throw killed.reason;
    return {
      ...tally,
      kills: run.kills,
      databaseKills,
      seconds: (Date.now() - startedAt) / 1000,
      signalsApplied: await readSignals(hosts, tally.signals, deadline),
      ...(await count(server)),
    };
  } finally {
    await hosts?.stop();
    await server.stop();
  }
}

/** The state of the entity that every saga signals once; signals may arrive after the saga has ended. */
async function readSignals(hosts: CrashingHosts, expected: number, deadline: number): Promise<number> {
  for (;;) {
    const answer = await fetch(`${hosts.url()}/runtime/webhooks/durabletask/entities/account/all`);
    const state = answer.ok ? Number(await answer.text()) : 0;
    if (state >= expected || Date.now() > deadline) return state;
    await sleep(50);
  }
}

async function count(server: TestPostgres): Promise<{ instances: number; unfinished: number }> {
  const [row] = await server.query(
    `SELECT count(*)::integer AS instances, (count(*) FILTER (WHERE status < 10))::integer AS unfinished
     FROM hub_crash.instances WHERE NOT starts_with(id, '@')`,
  );
  return row as { instances: number; unfinished: number };
}
