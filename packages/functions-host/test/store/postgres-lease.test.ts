import { realClock } from '../../src/clock';
import { StoreUnavailable, type HubSight, type TaskHubStore } from '../../src/store/store';
import { createTaskHubStore } from '../../src/store/task-hub-store';
import { startTestPostgres, type TestPostgres } from '../support/postgres-server';

describe('a task hub in PostgreSQL, seen by another', () => {
  let server: TestPostgres;
  let own: TaskHubStore;
  let other: TaskHubStore;

  beforeAll(async () => {
    server = await startTestPostgres();
    own = await createTaskHubStore(server.url, 'Own');
    other = await createTaskHubStore(server.url, 'Other');
    await own.open();
  });
  afterAll(async () => {
    await own.close();
    await server.stop();
  });

  it('is absent, then untouched, then has a host whose pulse changes, and keeps its name when it is gone', async () => {
    expect(await own.lookAtHub('Other')).toBe('absent');
    await other.open();
    expect(await own.lookAtHub('OTHER')).toBe('untouched');
    const owner = { machine: 'm', pid: 7, url: 'http://127.0.0.1:1', secret: 's' };
    const ignore = (): void => undefined;
    await other.claim({ self: owner, clock: realClock, waiting: ignore, lost: ignore });
    const first = await own.lookAtHub('Other');
    expect(first).toEqual({ owner, pulse: '1 0' });
    const deadline = realClock.now() + 10_000;
    let next: HubSight = first;
    while ((next as { pulse: string }).pulse === '1 0' && realClock.now() < deadline) {
      next = await own.lookAtHub('Other');
    }
    expect(next).toEqual({ owner, pulse: '1 1' });
    await other.close();
    expect(await own.lookAtHub('Other')).toMatchObject({ owner });
    expect(await own.lookAtHub('Own')).toBe('untouched');
  });

  it('can not be seen while the server is away', async () => {
    await server.kill();
    await expect(own.lookAtHub('Other')).rejects.toThrow(StoreUnavailable);
    await server.restart();
  });
});
