import { randomUUID } from 'node:crypto';
import { ServiceBusClient } from '@azure/service-bus';
import { Client } from 'pg';
import type { QueryResultRow } from 'pg';
import { until } from '../../../test/support/running-app';
import { openImports } from '../../../test/support/upload-imports';
import { askApp, describeAnswer } from '../app-client';
import type { Colour } from '../two-apps';
import { BESIDE, judge, shownSecrets } from './cases';
import type { Expected } from './cases';
import type { Deployment, DryRun, RollOut } from './dry-run';
import type { WalkedJob } from './run-job';
import { expectOnce } from './running-orders';
import type { Place } from './running-orders';
import type { Version } from './versions';

/** Milliseconds. */
export const PATIENCE = 60_000;

type Share = Readonly<Record<Colour, number>>;

/** One walk through a case: what it does to the apps, and what it found wrong. */
export class Walk {
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

  /** So many orders as an uploaded file; resolves with their ids when it is imported. */
  async upload(what: string, count: number): Promise<string[]> {
    const ids = Array.from({ length: count }, (_, index) => `${this.name}-${what}-${index}`);
    const imports = openImports(this.dryRun);
    const name = `orders/${this.name}-${what}`;
    const rows = ids.map((id) => `${id},DRYRUN,mug,1,9.00,0,pm_card_visa\n`);
    await imports.upload(name, `order,customer,sku,quantity,unit price,discount,payment method\n${rows.join('')}`);
    this.expect(`the import of ${name}`, (await imports.report(name)).orders, {
      accepted: count,
      repeated: 0,
      rejected: 0,
    });
    return ids;
  }

  /** Returns what an order bought through the front; its parcel is told of at the given app. */
  async takeBack(orderId: string, toldAt: Place): Promise<void> {
    const id = `${orderId}.back`;
    const lines = [{ sku: 'mug', quantity: 1 }];
    await this.post(this.front, `/api/orders/${orderId}/returns`, { returnId: id, lines });
    await this.reaches(this.front, id, 'awaitingPickUp', 'returns');
    const carrier = await fetch(`${this.dryRun.settings['CARRIER_URL']}/pick-ups?returnId=${id}`);
    const { pickUps } = (await carrier.json()) as { readonly pickUps: readonly { readonly pickUpId: string }[] };
    await this.post(toldAt, `/api/returns/${id}/collected`, { pickUpId: pickUps[0]?.pickUpId, lines });
    await this.reaches(this.front, id, 'completed', 'returns');
  }

  async reaches(at: Place, id: string, status: string, kind: 'orders' | 'returns' = 'orders'): Promise<void> {
    await until(`${id} of ${kind} is ${status}`, PATIENCE, async () => {
      const { body } = await askApp(at.url, at.key)('GET', `/api/${kind}/${id}`);
      return (body as { status?: string }).status === status ? true : undefined;
    });
  }

  /** Has an order be an hour old. */
  async age(id: string): Promise<void> {
    await this.#query(`update orders set created_at = created_at - interval '1 hour' where id = $1`, [id]);
  }

  async #query<Row extends QueryResultRow>(text: string, values: unknown[]): Promise<Row[]> {
    const client = new Client({ connectionString: this.dryRun.settings['DATABASE_URL'] });
    await client.connect();
    try {
      return (await client.query<Row>(text, values)).rows;
    } finally {
      await client.end();
    }
  }

  /** Waits until these orders have completed, and counts them by the app whose task hub carried them. */
  async finished(at: Place, ids: readonly string[]): Promise<Share> {
    for (const id of ids) {
      await this.reaches(at, id, 'completed');
      await expectOnce(id, this.dryRun.settings);
    }
    const rows = await this.#query<{ task_hub: string; count: number }>(
      'select task_hub, count(*)::int as count from orders where id = any($1) group by task_hub',
      [ids],
    );
    const of = (hub: string): number => rows.find(({ task_hub: found }) => found === hub)?.count ?? 0;
    return { blue: of('OrderSagas'), green: of('OrderSagasGreen') };
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
