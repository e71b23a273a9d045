import { randomUUID } from 'node:crypto';
import { ServiceBusClient } from '@azure/service-bus';
import { Client } from 'pg';
import { until } from '../../../test/support/running-app';
import { askApp, describeAnswer } from '../app-client';
import type { Colour } from '../two-apps';
import { BESIDE, judge, placeOf, shownSecrets, SMOKE } from './cases';
import type { DeployCase, Expected } from './cases';
import type { Deployment, DryRun, RollOut } from './dry-run';
import type { WalkedJob } from './run-job';
import { createRunningOrders, expectOnce } from './running-orders';
import type { Place } from './running-orders';
import { versions } from './versions';
import type { Version } from './versions';

/*
 * Two versions at once, on two local apps with task hubs of their own: a canary that is taken back, then all of the traffic,
 * with orders under way that were placed on the old app and are steered through the new one; and a version that fails beside
 * one that runs, and the one that mends it. These follow the cases of one app, and find it as those have left it.
 */

const IN_PLACE = { strategy: 'in-place', hasSecondApp: true } as const;
const CARRIES = 'See that the app beside carries nothing any more';
const PLAN = 'Work out what changes';
const CHANGE = 'Change what is to change in Azure';
const TOOLS = 'Take what the last roll-out has left';
const FAILS: Expected = { outcome: 'failure', answers: 'old', hasRolledBack: false };
const PASSES: Expected = { outcome: 'success', answers: 'new', hasRolledBack: false };

/** Milliseconds. */
const PATIENCE = 60_000;

type Share = Readonly<Record<Colour, number>>;

/** One walk through a case: what it does to the apps, and what it found wrong. */
class Walk {
  readonly dryRun: DryRun;
  readonly name = randomUUID().slice(0, 8);
  readonly problems: string[] = [];
  readonly shifts: WalkedJob[] = [];
  deployment: Deployment | undefined;

  constructor(dryRun: DryRun) {
    this.dryRun = dryRun;
  }

  /** The front with the key that callers have: that of the first app, whoever answers. */
  get front(): Place {
    return { url: this.dryRun.azure.front.url, key: this.dryRun.azure.apps.blue.keys.host.default };
  }

  /** An app itself, with the callers' key. */
  app(colour: Colour): Place {
    return { ...this.front, url: this.dryRun.azure.apps[colour].url };
  }

  expect(what: string, found: unknown, wanted: unknown): void {
    const [got, expected] = [JSON.stringify(found), JSON.stringify(wanted)];
    if (got !== expected) this.problems.push(`${what}: expected ${expected}, got ${got}`);
  }

  judge(job: WalkedJob, expected: Expected): void {
    const { blue, green } = this.dryRun.azure.apps;
    this.problems.push(...judge(job, expected), ...shownSecrets([blue, green], job));
    if (job.outcome !== expected.outcome) this.problems.push(job.log);
  }

  /** Rolls a version out to the app beside. */
  async deploy(version: Version): Promise<Deployment> {
    this.deployment = await this.dryRun.deploy(version, BESIDE);
    return this.deployment;
  }

  /** Rolls out once more what was rolled out last. */
  async deployAgain(how: RollOut = BESIDE): Promise<Deployment> {
    this.deployment = await this.dryRun.deployAgain(how);
    return this.deployment;
  }

  /**
   * Moves traffic while the next deployment of the infrastructure is under way: it lasts until the shift waits for its turn.
   * Give what comes of the shift, once the roll-out has ended.
   */
  shiftMeanwhile(app: Colour, weight: number): () => Promise<void> {
    const { azure } = this.dryRun;
    let shift: Promise<void> | undefined;
    azure.next = {
      meanwhile: async () => {
        const before = azure.refusals.length;
        shift = this.shift(app, weight);
        // Whether it fails is asked for later.
        shift.catch(() => {});
        await until('the shift waits for its turn', PATIENCE, () =>
          azure.refusals.slice(before).some((refusal) => refusal.includes('BlobAlreadyExists')) ? true : undefined,
        );
      },
    };
    return () => shift ?? Promise.reject(new Error('the infrastructure was not deployed'));
  }

  /** Moves traffic, and waits until both apps have got what it changed. */
  async shift(app: Colour, weight: number | string, failed?: string): Promise<void> {
    const job = await this.dryRun.shift(app, weight);
    this.shifts.push(job);
    const seen = job.steps.filter(({ outcome }) => outcome === 'failure').map(({ title }) => title);
    this.expect(`a shift of ${weight} to ${app} failed at`, seen, failed === undefined ? [] : [failed]);
    if (seen.join() !== (failed ?? '')) this.problems.push(job.log);
    const { apps, front } = this.dryRun.azure;
    this.problems.push(...shownSecrets([apps.blue, apps.green], job));
    await Promise.all([apps.blue.settled(), apps.green.settled()]);
    front.takeCounts();
  }

  async post(at: Place, path: string, body: object): Promise<void> {
    const answer = await askApp(at.url, at.key)('POST', path, body);
    if (answer.status !== 202) throw new Error(`${path} was answered ${describeAnswer(answer)}`);
  }

  order(id: string, sku = 'mug', quantity = 1): object {
    return { orderId: id, customerId: 'DRYRUN', lines: [{ sku, quantity }], paymentMethod: 'pm_card_visa' };
  }

  /** So many orders through the front; resolves with their ids. */
  async place(what: string, count: number): Promise<string[]> {
    const ids = Array.from({ length: count }, (_, index) => `${this.name}-${what}-${index}`);
    for (const id of ids) await this.post(this.front, '/api/orders', this.order(id));
    return ids;
  }

  /** So many orders as messages; resolves with their ids. */
  async send(what: string, count: number): Promise<string[]> {
    const ids = Array.from({ length: count }, (_, index) => `${this.name}-${what}-${index}`);
    const client = new ServiceBusClient(this.dryRun.settings['ServiceBusConnection'] ?? '');
    try {
      const messages = ids.map((id) => ({ messageId: id, body: this.order(id) }));
      await client.createSender('orders').sendMessages(messages);
    } finally {
      await client.close();
    }
    return ids;
  }

  async reaches(at: Place, id: string, status: string): Promise<void> {
    await until(`order ${id} is ${status}`, PATIENCE, async () => {
      const { body } = await askApp(at.url, at.key)('GET', `/api/orders/${id}`);
      return (body as { status?: string }).status === status ? true : undefined;
    });
  }

  /** Waits until these orders have completed, and counts them by the app whose task hub carried them. */
  async finished(at: Place, ids: readonly string[]): Promise<Share> {
    for (const id of ids) {
      await this.reaches(at, id, 'completed');
      await expectOnce(id, this.dryRun.settings);
    }
    const client = new Client({ connectionString: this.dryRun.settings['DATABASE_URL'] });
    await client.connect();
    try {
      const { rows } = await client.query<{ task_hub: string; count: number }>(
        'select task_hub, count(*)::int as count from orders where id = any($1) group by task_hub',
        [ids],
      );
      const of = (hub: string): number => rows.find(({ task_hub: found }) => found === hub)?.count ?? 0;
      return { blue: of('OrderSagas'), green: of('OrderSagasGreen') };
    } finally {
      await client.end();
    }
  }

  async isDrained(colour: Colour): Promise<boolean> {
    const { url, key } = this.app(colour);
    const { status, body } = await askApp(url, key)('GET', '/api/task-hub');
    return status === 200 && (body as { drained: boolean }).drained;
  }

  async build(at: Place): Promise<string | undefined> {
    const { status, body } = await askApp(at.url, at.key)('GET', '/api/version');
    return status === 200 ? (body as { build: string }).build : undefined;
  }
}

/** A case in which an error is one problem more, so that what was walked before it is shown. */
function blueGreenCase(title: string, version: Version, act: (walk: Walk) => Promise<void>): DeployCase {
  return {
    title,
    version,
    async run(dryRun) {
      const walk = new Walk(dryRun);
      try {
        await act(walk);
      } catch (error) {
        if (walk.deployment === undefined) throw error;
        walk.problems.push(String(error));
      }
      const { blue, green } = dryRun.azure.apps;
      if (walk.deployment === undefined) throw new Error(`${title}: expected a deployment`);
      const problems = [...walk.problems, ...blue.failures, ...green.failures];
      return { deployment: walk.deployment, shifts: walk.shifts, problems };
    },
  };
}

export const blueGreenCases: readonly DeployCase[] = [
  blueGreenCase(
    'a version beside the old one, whose sagas could not go on in it',
    versions.incompatible,
    async (walk) => {
      const { dryRun } = walk;
      const { front } = dryRun.azure;
      const waiting = createRunningOrders(placeOf(dryRun.app), dryRun.settings);
      const cancelled = `${walk.name}-cancelled`;
      await waiting.place();
      await walk.post(walk.app('blue'), '/api/orders', walk.order(cancelled, 'coffee', 60));
      await walk.reaches(walk.app('blue'), cancelled, 'awaitingApproval');
      const old = await walk.build(walk.app('blue'));

      dryRun.azure.next = { fails: true };
      const halfWay = await walk.deploy(versions.incompatible);
      walk.judge(halfWay.rollOut, { ...FAILS, failed: CHANGE });
      await walk.shift('green', 10, TOOLS);
      const { rollOut, build } = await walk.deployAgain();
      walk.judge(rollOut, PASSES);
      if (rollOut.outcome === 'failure') return;
      await walk.dryRun.azure.apps.green.settled();
      walk.expect('the build beside', await walk.build(walk.app('green')), build);
      front.takeCounts();
      for (let request = 0; request < 5; request += 1) walk.expect('the front', await walk.build(walk.front), old);
      walk.expect('requests before any traffic was moved', front.takeCounts(), { blue: 5, green: 0 });

      await walk.shift('green', '101', PLAN);
      await walk.shift('green', 10);
      const canary = await walk.place('canary', 20);
      walk.expect('requests of a canary of 10 %', front.takeCounts(), { blue: 18, green: 2 });
      const queued = await walk.send('queued', 4);
      walk.expect('sagas of the canary', await walk.finished(walk.front, canary), { blue: 18, green: 2 });
      walk.expect('sagas of messages meanwhile', await walk.finished(walk.front, queued), { blue: 4, green: 0 });
      await walk.post(walk.app('green'), `/api/orders/${cancelled}/cancel`, { reason: 'through the other app' });
      await walk.reaches(walk.app('green'), cancelled, 'compensated');

      await walk.shift('green', 0);
      const back = await walk.place('back', 5);
      walk.expect('requests after going back', front.takeCounts(), { blue: 5, green: 0 });
      walk.expect('sagas after going back', await walk.finished(walk.front, back), { blue: 5, green: 0 });

      await walk.shift('green', 100);
      const all = await walk.place('all', 5);
      walk.expect('requests after all traffic was moved', front.takeCounts(), { blue: 0, green: 5 });
      const queuedLater = await walk.send('later', 4);
      walk.expect('sagas of all traffic', await walk.finished(walk.front, all), { blue: 0, green: 5 });
      walk.expect('sagas of messages then', await walk.finished(walk.front, queuedLater), { blue: 0, green: 4 });

      await walk.shift('blue', 10);
      const shifted = walk.shiftMeanwhile('blue', 0);
      walk.judge((await walk.deployAgain(IN_PLACE)).rollOut, PASSES);
      await shifted();
      const kept = await walk.place('kept', 5);
      walk.expect('requests after a shift during a roll-out', front.takeCounts(), { blue: 0, green: 5 });
      walk.expect('sagas after a shift during a roll-out', await walk.finished(walk.front, kept), {
        blue: 0,
        green: 5,
      });

      walk.expect('the old app is drained', await walk.isDrained('blue'), false);
      const early = await dryRun.deploy(versions.today, BESIDE);
      walk.judge(early.rollOut, { outcome: 'failure', failed: CARRIES, answers: 'old', hasRolledBack: false });
      // What they wait for comes to the new app, by HTTP and by message, and their sagas are in the old one.
      await waiting.finish(walk.front);
      await until('the old app is drained', PATIENCE, async () => ((await walk.isDrained('blue')) ? true : undefined));
    },
  ),
  blueGreenCase(
    'a version beside the old one that hangs in its smoke saga, then one that mends it',
    versions.stuck,
    async (walk) => {
      const { dryRun } = walk;
      const { front } = dryRun.azure;
      const waiting = createRunningOrders(walk.front, dryRun.settings);
      await waiting.place();
      const old = await walk.build(walk.front);
      const { rollOut } = await walk.deploy(versions.stuck);
      walk.judge(rollOut, { outcome: 'failure', failed: SMOKE, answers: 'old', hasRolledBack: false });
      await walk.shift('blue', 10, PLAN);
      for (let request = 0; request < 5; request += 1) walk.expect('the front', await walk.build(walk.front), old);
      walk.expect('requests after it failed', front.takeCounts(), { blue: 0, green: 5 });
      const queued = await walk.send('queued', 4);
      walk.expect('sagas of messages', await walk.finished(walk.front, queued), { blue: 0, green: 4 });
      walk.expect('the app beside is drained, its smoke saga ended by force', await walk.isDrained('blue'), true);

      // As a job leaves it that is killed in the middle: nobody ends it.
      const left = `smoke-${randomUUID()}`;
      const lines = [{ sku: 'smoke-test', quantity: 1 }];
      await walk.post(walk.app('blue'), '/api/orders', { ...walk.order(left), customerId: 'SMOKE-TEST', lines });
      await walk.reaches(walk.app('blue'), left, 'awaitingApproval');
      await walk.post(walk.app('blue'), `/api/orders/${left}/cancel`, {});
      await walk.reaches(walk.app('blue'), left, 'parked');
      walk.expect('it is drained with a smoke saga that hangs', await walk.isDrained('blue'), false);
      walk.shifts.push(rollOut);
      const mended = await walk.deploy(versions.today);
      walk.judge(mended.rollOut, PASSES);
      await walk.reaches(walk.app('blue'), left, 'compensated');
      walk.expect('the app beside is drained by the version that mends it', await walk.isDrained('blue'), true);
      await waiting.finish();
    },
  ),
];
