import { setTimeout as sleep } from 'node:timers/promises';
import type { HostProcess } from '../../functions-host/test/support/host-process';
import { makeFolder, startHostProcess, stopHosts } from '../../functions-host/test/support/host-process';
import type { TestPostgres } from '../../functions-host/test/support/postgres-server';
import { startTestPostgres } from '../../functions-host/test/support/postgres-server';
import type { InstanceStatus } from '../src';
import { writeFixtureApp } from './support/write-fixture-app';

/** Children and their parents, what the platform does to them included, in a real host over its HTTP. */

type Status = InstanceStatus<unknown>;
interface Books {
  /** Keys of effects that were not undone. */
  readonly standing: readonly string[];
  readonly undone: readonly string[];
}

afterAll(stopHosts);

/** The app in a host; `taskHub` outlives it where it is one in a database. */
class App {
  host!: HostProcess;
  readonly #folder: string;
  readonly #options: Parameters<typeof startHostProcess>[1];

  private constructor(folder: string, options: Parameters<typeof startHostProcess>[1]) {
    this.#folder = folder;
    this.#options = options;
  }

  static async open(options: { readonly taskHub?: string } = {}): Promise<App> {
    const folder = await writeFixtureApp('parcels-app');
    const app = new App(folder, { ...options, dataDir: await makeFolder(), settings: { BOOKS: await makeFolder() } });
    await app.start();
    return app;
  }

  async start(): Promise<void> {
    this.host = await startHostProcess(this.#folder, this.#options);
  }

  async call(method: 'GET' | 'POST', where: string, body?: unknown): Promise<{ status: number; body: unknown }> {
    const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
    const response = await fetch(`${this.host.url}/api/${where}`, init);
    const text = await response.text();
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
  }

  /** Asks until it is answered: a host that was killed may have heard it all the same. */
  async insist(method: 'GET' | 'POST', where: string, body?: unknown): Promise<unknown> {
    const deadline = performance.now() + 60_000;
    for (;;) {
      const answer = await this.call(method, where, body).catch(() => undefined);
      if (answer !== undefined && answer.status < 300) return answer.body;
      if (performance.now() > deadline) {
        throw new Error(`${method} ${where}: ${JSON.stringify(answer)}\n${this.host.output()}`);
      }
      await sleep(20);
    }
  }

  begin(id: string, saga: 'delivery' | 'purchase' | 'pages', input: object): Promise<unknown> {
    return this.insist('POST', `start/${id}`, { saga, input });
  }

  platform(what: 'terminate' | 'purge', id: string): Promise<unknown> {
    return this.insist('POST', `platform/${what}/${encodeURIComponent(id)}`);
  }

  steer(saga: string, id: string, what: string, body?: unknown): ReturnType<App['call']> {
    return this.call('POST', `sagas/${saga}/${encodeURIComponent(id)}/${what}`, body ?? {});
  }

  async reach(saga: string, id: string, wanted: Status['state'] | ((status: Status) => boolean)): Promise<Status> {
    const isThere = typeof wanted === 'string' ? ({ state }: Status) => state === wanted : wanted;
    const deadline = performance.now() + 60_000;
    for (;;) {
      const found = await this.call('GET', `sagas/${saga}/${encodeURIComponent(id)}`).catch(() => undefined);
      if (found?.status === 200 && isThere(found.body as Status)) return found.body as Status;
      if (performance.now() > deadline) throw new Error(`${JSON.stringify(found, null, 2)}\n${this.host.output()}`);
      await sleep(10);
    }
  }

  /** Of one saga, its children included. */
  async books(id: string): Promise<Books> {
    const { standing, undone } = (await this.insist('GET', 'books')) as Books;
    const own = (key: string): boolean => key.startsWith(`${id}/`) || key.startsWith(`${id}:`);
    return { standing: standing.filter(own).sort(), undone: undone.filter(own).sort() };
  }
}

describe('children on functions-host', () => {
  let app: App;
  beforeAll(async () => {
    app = await App.open();
  }, 60_000);

  it('are completed, and stand with their parent', async () => {
    await app.begin('well', 'delivery', { parcels: 2 });
    const { outcome, steps } = await app.reach('delivery', 'well', 'completed');
    expect(outcome).toMatchObject({ result: ['well:parcel:p0/load#1', 'well:parcel:p1/load#1'] });
    expect(steps.filter(({ child }) => child !== undefined)).toMatchObject([
      { name: 'parcel', child: 'well:parcel:p0', state: 'done' },
      { name: 'parcel', child: 'well:parcel:p1', state: 'done' },
    ]);
    expect(await app.books('well')).toEqual({
      standing: [
        'well/book#1',
        'well/send#1',
        'well:parcel:p0/load#1',
        'well:parcel:p0/pack#1',
        'well:parcel:p1/load#1',
        'well:parcel:p1/pack#1',
      ],
      undone: [],
    });
  });

  it('that are completed are undone with their parent', async () => {
    await app.begin('back', 'delivery', { parcels: 2, refused: 'send' });
    const { failure, steps } = await app.reach('delivery', 'back', 'compensated');
    expect(failure).toMatchObject({ code: 'refused', step: 'back/send#1' });
    expect(steps.map(({ name, state }) => `${name} ${state}`).sort()).toEqual([
      'book undone',
      'load undone',
      'load undone',
      'pack undone',
      'pack undone',
      'parcel undone',
      'parcel undone',
      'send failed',
    ]);
    const { standing, undone } = await app.books('back');
    expect(standing).toEqual([]);
    expect(undone).toHaveLength(5);
    expect((await app.reach('parcel', 'back:parcel:p0', 'completed')).outcome).toMatchObject({ outcome: 'completed' });
  });

  it('that pass their pivot take their parent past its own', async () => {
    await app.begin('sold', 'purchase', {});
    await app.reach('sale', 'sold:sale:1', ({ waitingFor }) => waitingFor?.event === 'go');
    expect(await app.steer('purchase', 'sold', 'cancel')).toMatchObject({ status: 409, body: { code: 'pastPivot' } });
    expect((await app.steer('sale', 'sold:sale:1', 'events/go')).status).toBe(202);
    expect(await app.reach('purchase', 'sold', 'completed')).toMatchObject({ pivot: 'passed', cancel: 'refused' });
    expect((await app.books('sold')).standing).toHaveLength(5);
  });

  it('whose pivot is refused lead their parent back', async () => {
    await app.begin('unsold', 'purchase', { refused: true });
    expect(await app.reach('purchase', 'unsold', 'compensated')).toMatchObject({ pivot: 'none' });
    expect((await app.books('unsold')).standing).toEqual([]);
  });

  it('that are running are cancelled with their parent', async () => {
    await app.begin('called-off', 'delivery', { parcels: 2, waits: true });
    await app.reach('parcel', 'called-off:parcel:p0', 'waiting');
    await app.reach('parcel', 'called-off:parcel:p1', 'waiting');
    expect(await app.steer('delivery', 'called-off', 'cancel', { reason: 'enough' })).toMatchObject({ status: 202 });
    await app.reach('delivery', 'called-off', 'compensated');
    for (const id of ['called-off:parcel:p0', 'called-off:parcel:p1']) {
      expect(await app.reach('parcel', id, 'compensated')).toMatchObject({
        failure: { kind: 'cancelled', message: 'enough' },
      });
    }
    const { standing, undone } = await app.books('called-off');
    expect(standing).toEqual([]);
    expect(undone).toHaveLength(3);
  });
});

describe('what the platform stopped on functions-host', () => {
  let app: App;
  beforeAll(async () => {
    app = await App.open();
  }, 60_000);

  const recover = async (saga: string, id: string): Promise<void> => {
    expect(await app.steer(saga, id, 'recover')).toMatchObject({ status: 202, body: { accepted: true } });
    await app.host.waitFor(new RegExp(`saga ${id} was recovered: compensated`));
    expect((await app.books(id)).standing).toEqual([]);
  };

  it('is a lost child, which a retry of its parent takes over', async () => {
    await app.begin('lost', 'delivery', { parcels: 2, waits: true });
    await app.reach('parcel', 'lost:parcel:p0', 'waiting');
    await app.reach('parcel', 'lost:parcel:p1', 'waiting');
    await app.platform('terminate', 'lost:parcel:p0');
    const { parked } = await app.reach('delivery', 'lost', 'parked');
    expect(parked).toMatchObject({ what: 'child', key: 'lost/parcel#p0' });
    expect((await app.books('lost')).standing).toHaveLength(3);
    expect((await app.steer('delivery', 'lost', 'resolve', { action: 'retry' })).status).toBe(202);
    await app.reach('delivery', 'lost', 'compensated');
    expect(await app.books('lost')).toEqual({
      standing: [],
      undone: ['lost/book#1', 'lost:parcel:p0/pack#1', 'lost:parcel:p1/pack#1'],
    });
  });

  it('is a saga that is parked at a lost child', async () => {
    await app.begin('both', 'delivery', { parcels: 1, waits: true });
    await app.reach('parcel', 'both:parcel:p0', 'waiting');
    await app.platform('terminate', 'both:parcel:p0');
    await app.reach('delivery', 'both', 'parked');
    await app.platform('terminate', 'both');
    await app.reach('delivery', 'both', 'terminated');
    await recover('delivery', 'both');
  });

  it('is a saga with its running children', async () => {
    await app.begin('all', 'delivery', { parcels: 3, waits: true });
    for (const n of [0, 1, 2]) await app.reach('parcel', `all:parcel:p${n}`, 'waiting');
    await app.platform('terminate', 'all');
    await app.reach('delivery', 'all', 'terminated');
    await recover('delivery', 'all');
    expect((await app.books('all')).undone).toHaveLength(4);
  });

  it('is a saga of several histories', async () => {
    await app.begin('long', 'pages', { left: 3 });
    const { generation } = await app.reach('pages', 'long', ({ waitingFor }) => waitingFor?.event === 'go');
    expect(generation).toBe(3);
    await app.platform('terminate', 'long');
    expect(await app.reach('pages', 'long', 'terminated')).toMatchObject({ owes: 9 });
    await recover('pages', 'long');
    expect((await app.books('long')).undone).toHaveLength(9);
  });

  it('is past its pivot, or purged, and not recovered', async () => {
    await app.begin('paid', 'purchase', {});
    await app.reach('sale', 'paid:sale:1', ({ waitingFor }) => waitingFor?.event === 'go');
    await app.platform('terminate', 'paid');
    await app.reach('purchase', 'paid', 'terminated');
    expect((await app.steer('purchase', 'paid', 'recover')).status).toBeLessThan(500);
    await app.host.waitFor(/saga paid could not be recovered: pastPivot: of its child: .*paid:sale:1/);
    expect((await app.books('paid')).undone).toEqual([]);
    await app.platform('purge', 'paid');
    const refusal = await app.steer('purchase', 'paid', 'recover');
    expect(refusal).toMatchObject({ status: 404, body: { code: 'unknown' } });
  });
});

describe('children on a host that is killed again and again', () => {
  const KILLS = 8;
  let server: TestPostgres;
  beforeAll(async () => {
    server = await startTestPostgres();
  });
  afterAll(() => server.stop());

  it('have each effect once, and their parents right books', async () => {
    const app = await App.open({ taskHub: server.url });
    const plans = Array.from({ length: 12 }, (_, n) => ({ id: `d${n}`, plan: n % 4 }));
    const begin = async ({ id, plan }: (typeof plans)[number]): Promise<void> => {
      if (plan === 3) await app.begin(id, 'purchase', {});
      else await app.begin(id, 'delivery', { parcels: 3, ...[{}, { refused: 'send' }, { refused: 'load' }][plan] });
    };
    /** Grows with each effect and each undo. */
    const countDone = async (): Promise<number> => {
      const { standing, undone } = (await app.insist('GET', 'books')) as Books;
      return standing.length + 2 * undone.length;
    };
    const work = (async () => {
      for (const plan of plans) await begin(plan);
      for (const { id } of plans.filter(({ plan }) => plan === 3)) {
        await app.reach('sale', `${id}:sale:1`, ({ pivot }) => pivot === 'passed');
        await app.insist('POST', `sagas/sale/${id}:sale:1/events/go`, {});
      }
    })();
    // Killed whenever a few more things were done: in the middle of what was going on then.
    let killed = 0;
    const kill = (async () => {
      for (let before = 0; killed < KILLS; killed += 1) {
        for (;;) {
          const now = await countDone();
          if (now >= before + 6) {
            before = now;
            break;
          }
          await sleep(5);
        }
        await app.host.kill();
        await app.start();
      }
    })();
    await Promise.all([work, kill]);

    for (const { id, plan } of plans) {
      const saga = plan === 3 ? 'purchase' : 'delivery';
      const { state } = await app.reach(saga, id, ({ runtimeStatus }) => runtimeStatus === 'Completed');
      expect({ id, state }).toEqual({ id, state: plan === 0 || plan === 3 ? 'completed' : 'compensated' });
      const parcels = [0, 1, 2].flatMap((n) => [`${id}:parcel:p${n}/load#1`, `${id}:parcel:p${n}/pack#1`]);
      const kept = [`${id}:sale:1/load#1`, `${id}:sale:1/pack#1`, `${id}:sale:1/pay#1`];
      const expected = [
        [`${id}/book#1`, `${id}/send#1`, ...parcels],
        [],
        [],
        [`${id}/book#1`, `${id}/send#1`, ...kept],
      ];
      expect({ id, standing: (await app.books(id)).standing }).toEqual({ id, standing: expected[plan]?.sort() });
    }
    expect(killed).toBe(KILLS);
  }, 180_000);
});
