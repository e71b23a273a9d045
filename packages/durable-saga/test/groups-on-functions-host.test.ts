import type { HostProcess } from '../../functions-host/test/support/host-process';
import { startHostProcess, stopHosts } from '../../functions-host/test/support/host-process';
import type { InstanceStatus } from '../src';
import { writeFixtureApp } from './support/write-fixture-app';

/** Branches, tolerance, races and a saga's timeout in a real host, with every turn checked against a replay. */
let host: HostProcess;

beforeAll(async () => {
  host = await startHostProcess(await writeFixtureApp('tour-app'));
}, 60_000);

afterAll(stopHosts);

interface Tour {
  readonly status: InstanceStatus<unknown>;
  readonly booked: readonly string[];
}

async function ask<T>(url: string, body?: unknown): Promise<T> {
  const request = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
  const response = await fetch(`${host.url}/api/${url}`, request);
  const text = await response.text();
  if (!response.ok) throw new Error(`${url}: ${response.status} ${text}\n${host.output()}`);
  return JSON.parse(text) as T;
}

async function reach(id: string, wanted: (status: Tour['status']) => boolean, saga = 'tour'): Promise<Tour> {
  const deadline = performance.now() + 20_000;
  for (;;) {
    const tour = await ask<Tour>(`${saga}/${id}/status`);
    if (wanted(tour.status)) return tour;
    if (performance.now() > deadline) throw new Error(`${JSON.stringify(tour, null, 2)}\n${host.output()}`);
  }
}

const hasEnded = ({ runtimeStatus }: Tour['status']): boolean => runtimeStatus === 'Completed';
const isWaiting = ({ state }: Tour['status']): boolean => state === 'waiting';

describe('groups on functions-host', () => {
  it('a race is won by an event, its loser is undone, and its timer holds nothing open', async () => {
    await ask('tour/well/start', { stops: [30, 5, 20, 1, 10] });
    await reach('well', isWaiting);
    expect(await ask('tour/well/guide', { name: 'Ada' })).toMatchObject({ accepted: true });
    const { status, booked } = await reach('well', hasEnded);
    expect(status.outcome).toEqual({
      outcome: 'completed',
      result: { stops: ['done', 'done', 'done', 'done', 'done'], guide: 'Ada' },
    });
    expect(booked).toHaveLength(10);
    expect(booked).not.toContain('well/book#stand-in');
  });

  it('a race is won by a branch that sleeps, which keeps what it did', async () => {
    await ask('tour/slow/start', { stops: [1], patience: 300 });
    const { status, booked } = await reach('slow', hasEnded);
    expect(status.outcome).toEqual({ outcome: 'completed', result: { stops: ['done'], guide: 'stand-in' } });
    expect(booked).toEqual(['slow/book#deposit 0', 'slow/book#stand-in', 'slow/book#stop 0']);
  });

  it('a tolerated failure leaves nothing behind', async () => {
    await ask('tour/part/start', { stops: [5, -1, 10], maxFailures: 1, patience: 100 });
    const { status, booked } = await reach('part', hasEnded);
    expect(status.outcome).toMatchObject({ result: { stops: ['done', 'full', 'done'] } });
    expect(booked).not.toContain('part/book#deposit 1');
    expect(booked).toContain('part/book#stop 2');
  });

  it('failures beyond what is tolerated undo all', async () => {
    await ask('tour/ill/start', { stops: [50, -1, -1, 10], maxFailures: 1 });
    const { status, booked } = await reach('ill', hasEnded);
    expect(status.outcome).toMatchObject({ outcome: 'compensated', failure: { code: 'toleranceExceeded' } });
    expect(booked).toEqual([]);
  });

  it('the timeout of a saga undoes all that its groups and races did', async () => {
    await ask('hurriedTour/late/start', { stops: [1, 2], patience: 100, wait: true });
    const { status, booked } = await reach('late', hasEnded, 'hurriedTour');
    expect(status.outcome).toMatchObject({
      outcome: 'compensated',
      failure: { kind: 'timeout', code: 'sagaTimeout' },
    });
    expect(booked).toEqual([]);
  });

  it('many run side by side', async () => {
    const ids = Array.from({ length: 20 }, (_, n) => `many-${n}`);
    await Promise.all(
      ids.map((id, n) => ask(`tour/${id}/start`, { stops: [n, 2 * n, n % 3 === 0 ? -1 : 1], patience: 100 })),
    );
    const ends = await Promise.all(ids.map((id) => reach(id, hasEnded)));
    for (const [n, { status, booked }] of ends.entries()) {
      expect(status.state).toBe(n % 3 === 0 ? 'compensated' : 'completed');
      expect(booked).toHaveLength(n % 3 === 0 ? 0 : 7);
    }
  });
});
