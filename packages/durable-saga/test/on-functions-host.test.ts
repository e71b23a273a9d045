import type { HostProcess } from '../../functions-host/test/support/host-process';
import { startHostProcess, stopHosts } from '../../functions-host/test/support/host-process';
import type { InstanceStatus } from '../src';
import { writeFixtureApp } from './support/write-fixture-app';

/** Sagas in a real host, over its HTTP and durable client, with every turn checked against a replay. */
let host: HostProcess;

beforeAll(async () => {
  host = await startHostProcess(await writeFixtureApp('host-app'));
}, 60_000);

afterAll(stopHosts);

async function ask<T>(url: string, body?: unknown): Promise<T> {
  const request = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
  const response = await fetch(`${host.url}/api/${url}`, request);
  const text = await response.text();
  if (!response.ok) throw new Error(`${url}: ${response.status} ${text}\n${host.output()}`);
  return JSON.parse(text) as T;
}

async function reach(
  id: string,
  wanted: (status: InstanceStatus<unknown>) => boolean,
): Promise<InstanceStatus<unknown>> {
  const deadline = performance.now() + 20_000;
  for (;;) {
    const status = await ask<InstanceStatus<unknown>>(`orders/${id}/status`);
    if (wanted(status)) return status;
    if (performance.now() > deadline) throw new Error(`${JSON.stringify(status, null, 2)}\n${host.output()}`);
  }
}

const isAt = (state: InstanceStatus<unknown>['state']) => (status: InstanceStatus<unknown>) => status.state === state;

async function booksOf(id: string): Promise<{ effects: string[]; calls: string[] }> {
  const { effects, calls } = await ask<{ effects: string[]; calls: string[] }>('books');
  return {
    effects: effects.filter((key) => key.startsWith(`${id}/`)),
    calls: calls.filter((call) => call.includes(` ${id}/`) || call.includes(` ${id} `)),
  };
}

describe('on functions-host', () => {
  it('an order completes, a window sliding over its lines, some of which are tried again', async () => {
    const failures = { reserve0: 2, reserve3: 1, pay: 1, ship: 2 };
    expect(await ask('orders/well/start', { lines: 8, failures })).toEqual({ id: 'well', started: true });
    const status = await reach('well', isAt('completed'));
    expect(status.outcome).toEqual({ outcome: 'completed', result: { lines: 8 } });
    const { effects, calls } = await booksOf('well');
    expect(effects).toHaveLength(10);
    expect(calls).toHaveLength(8 + 1 + 1 + 6 + 1);
    expect(calls.at(-1)).toBe('settle well completed');
  });

  it('an order whose line fails for good is undone', async () => {
    await ask('orders/ill/start', { lines: 5, failures: { reserve2: 3 } });
    const status = await reach('ill', isAt('compensated'));
    expect(status.outcome).toMatchObject({ failure: { kind: 'error', step: 'ill/reserve#3' } });
    expect((await booksOf('ill')).effects).toEqual([]);
  });

  it('an order waits for its approval', async () => {
    await ask('orders/asked/start', { lines: 1, needsApproval: true });
    await reach('asked', isAt('waiting'));
    expect(await ask('orders/asked/approve', { approved: true })).toEqual({ accepted: true, confirmed: true });
    expect((await reach('asked', isAt('completed'))).waitingFor).toBeUndefined();
  });

  it('an order is cancelled while it waits, and not any more when it is done', async () => {
    await ask('orders/cancelled/start', { lines: 2, needsApproval: true });
    await reach('cancelled', isAt('waiting'));
    expect(await ask('orders/cancelled/cancel')).toEqual({ accepted: true, confirmed: true });
    const status = await reach('cancelled', isAt('compensated'));
    expect(status.failure).toMatchObject({ kind: 'cancelled' });
    expect((await booksOf('cancelled')).effects).toEqual([]);
    expect(await ask('orders/cancelled/cancel')).toMatchObject({ accepted: false, code: 'finished' });
  });

  it('an order parks after its pivot, and goes on by an operator', async () => {
    await ask('orders/parked/start', { lines: 1, failures: { ship: 4 } });
    const status = await reach('parked', isAt('parked'));
    expect(status.parked).toMatchObject({ what: 'step', key: 'parked/ship#1', number: 1 });
    await host.waitFor(/saga parked is parked at step 'parked\/ship#1'/);
    expect(await ask('orders/parked/cancel')).toMatchObject({ accepted: false, code: 'pastPivot' });
    expect(await ask('orders/parked/retry')).toEqual({ accepted: true, confirmed: true });
    await reach('parked', isAt('completed'));
  });

  it('an undo that fails for good parks the order, too', async () => {
    await ask('orders/stuck/start', { lines: 2, needsApproval: true, failures: { reserve0: 103 } });
    // The first line fails all its attempts, and its undo as often.
    await reach('stuck', isAt('parked'));
    expect(await ask('orders/stuck/retry')).toEqual({ accepted: true, confirmed: true });
    await reach('stuck', isAt('compensated'));
    expect((await booksOf('stuck')).effects).toEqual([]);
  });

  it('operators have it all by HTTP', async () => {
    const call = async (method: 'GET' | 'POST', path: string, body?: unknown) => {
      const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
      const response = await fetch(`${host.url}/api/sagas${path}`, init);
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    };
    await ask('orders/op-parked/start', { lines: 1, needsApproval: true, failures: { ship: 4 } });
    await ask('orders/op-waits/start', { lines: 1, needsApproval: true });
    await reach('op-parked', isAt('waiting'));
    await reach('op-waits', isAt('waiting'));
    expect(await call('POST', '/order/op-parked/events/approval', { approved: 'yes' })).toMatchObject({
      status: 400,
      body: { code: 'invalid', issues: [{ path: 'approved' }] },
    });
    const accepted = { status: 202, body: { accepted: true, confirmed: true } };
    expect(await call('POST', '/order/op-parked/events/approval', { approved: true })).toEqual(accepted);
    await reach('op-parked', isAt('parked'));
    const { body: parked } = await call('GET', '?state=parked');
    expect(parked).toMatchObject({
      instances: [{ id: 'op-parked', saga: 'order', parked: { key: 'op-parked/ship#1' } }],
    });
    const decision = { action: 'skip', output: 'by hand', step: 'op-parked/ship#1' };
    expect(await call('POST', '/order/op-parked/resolve', decision)).toEqual(accepted);
    await reach('op-parked', isAt('completed'));
    expect(await call('POST', '/order/op-waits/cancel', { reason: 'enough' })).toEqual(accepted);
    await reach('op-waits', isAt('compensated'));
    expect((await call('GET', '/order/op-waits')).body).toMatchObject({ failure: { message: 'enough' } });
    const { body: page } = await call('GET', '?saga=order&limit=1&state=completed');
    expect(page['instances']).toHaveLength(1);
    expect(page['next']).toMatch(/^\/api\/sagas\?saga=order&limit=1&state=completed&after=/);
    expect(await call('GET', '/order/nobody')).toMatchObject({ status: 404, body: { code: 'unknown' } });
  });

  it('an order that somebody terminates is recovered from its history', async () => {
    await ask('orders/ended/start', { lines: 3, needsApproval: true });
    await reach('ended', isAt('waiting'));
    await ask('orders/ended/terminate');
    expect(await reach('ended', isAt('terminated'))).toMatchObject({ pivot: 'none', owes: 3 });
    expect((await booksOf('ended')).effects).toHaveLength(3);
    expect(await ask('orders/ended/recover')).toMatchObject({ accepted: true, started: true });
    await host.waitFor(/saga ended was recovered: compensated/);
    const { effects, calls } = await booksOf('ended');
    expect(effects).toEqual([]);
    expect(calls.filter((call) => call.startsWith('reserve_undo'))).toHaveLength(3);
    expect(calls.at(-1)).toBe('settle ended compensated');
    expect(await ask('orders/ended/recover')).toMatchObject({ accepted: true, started: false });
  });

  it('many orders run side by side', async () => {
    const ids = Array.from({ length: 30 }, (_, n) => `many-${n}`);
    await Promise.all(
      ids.map((id, n) => ask(`orders/${id}/start`, { lines: 4, failures: { [`reserve${n % 5}`]: n % 4 } })),
    );
    const ends = await Promise.all(ids.map((id) => reach(id, ({ runtimeStatus }) => runtimeStatus === 'Completed')));
    for (const [n, { id, state }] of ends.entries()) {
      const isUndone = n % 4 === 3 && n % 5 < 4;
      expect(state).toBe(isUndone ? 'compensated' : 'completed');
      expect((await booksOf(id)).effects).toHaveLength(isUndone ? 0 : 6);
    }
  });
});
