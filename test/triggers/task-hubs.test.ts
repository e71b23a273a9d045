import { fromActivities, hubToStartIn, nameOf, reachSaga } from '../../src/triggers/task-hubs';
import { orderIdSchema } from '../../src/domain/ids';
import { createOrderSagas, createOrderStarter } from '../../src/triggers/order-sagas';
import type { TaskHubs } from '../../src/triggers/task-hubs';
import { createFakeTaskHub } from '../support/fake-task-hub';
import type { FakeTaskHub } from '../support/fake-task-hub';
import { createInMemoryShop } from '../support/in-memory-shop';
import { createTestClock } from '../support/orders-database';
import { sampleOrder } from '../support/sample-orders';

let blue: FakeTaskHub;
let green: FakeTaskHub;
let hubs: TaskHubs;
let alone: TaskHubs;
beforeEach(() => {
  [blue, green] = [createFakeTaskHub('blue'), createFakeTaskHub('green')];
  hubs = { own: blue.client, other: { name: 'green', client: green.client } };
  alone = { own: blue.client };
});

describe('the saga of a row', () => {
  it('is reached in the hub that the row names', async () => {
    expect(await reachSaga(hubs, { id: 'o1', taskHub: 'blue' })).toBe(blue.client);
    expect(await reachSaga(hubs, { id: 'o1', taskHub: 'green' })).toBe(green.client);
    expect(await reachSaga(alone, { id: 'o1', taskHub: 'blue' })).toBe(blue.client);
    expect([blue.asked, green.asked]).toEqual([[], []]);
  });

  it("of a row without a hub is looked for in both, the own one first, and is the own one's when it is in neither", async () => {
    expect(await reachSaga(hubs, { id: 'o1' })).toBe(blue.client);
    expect([blue.asked, green.asked]).toEqual([['o1'], ['o1']]);
    green.put('o1', {});
    expect(await reachSaga(hubs, { id: 'o1' })).toBe(green.client);
    blue.put('o1', {});
    expect(await reachSaga(hubs, { id: 'o1' })).toBe(blue.client);
    expect(green.asked).toHaveLength(2);
  });

  it("of a row without a hub is the only app's, which asks nobody", async () => {
    expect(await reachSaga(alone, { id: 'o1' })).toBe(blue.client);
    expect(blue.asked).toEqual([]);
  });

  it('is out of reach in a hub that nobody here knows, and that is said', async () => {
    const row = { id: 'o1', taskHub: 'purple' };
    await expect(reachSaga(hubs, row)).rejects.toThrow(
      '"purple" is the task hub of o1, which is unknown to this app: it knows "blue" and "green"',
    );
    await expect(reachSaga(alone, row)).rejects.toMatchObject({ code: 'sagaOutOfReach' });
  });

  it('is not guessed at when the other hub can not be asked', async () => {
    const broken = { ...green.client, getStatus: () => Promise.reject(new Error('unexpected status code: 503')) };
    await expect(reachSaga({ ...hubs, other: { name: 'green', client: broken } }, { id: 'o1' })).rejects.toThrow('503');
    await expect(reachSaga({ ...hubs, other: { name: 'green' } }, { id: 'o1' })).rejects.toThrow(
      'o1 has no task hub, and "green" can\'t be asked from here',
    );
  });
});

describe('where a saga is started', () => {
  const refuse = () => Promise.reject(new Error('nothing is to be adopted'));

  it('is its own hub, and no other', async () => {
    expect(await hubToStartIn(hubs, { id: 'o1', taskHub: 'blue' }, refuse)).toBe(blue.client);
    await expect(hubToStartIn(hubs, { id: 'o1', taskHub: 'green' }, refuse)).rejects.toThrow(
      'o1 is not started yet; the app of its task hub "green" will do it',
    );
    await expect(hubToStartIn(hubs, { id: 'o1', taskHub: 'purple' }, refuse)).rejects.toThrow('unknown to this app');
    expect(await hubToStartIn(alone, { id: 'o1' }, refuse)).toBe(blue.client);
  });

  it('is, for a row without a hub, the one that adopts it first', async () => {
    expect(await hubToStartIn(hubs, { id: 'o1' }, async (hub) => hub)).toBe(blue.client);
    await expect(hubToStartIn(hubs, { id: 'o1' }, async () => 'green')).rejects.toThrow(
      'its task hub "green" will do it',
    );
    green.put('o1', {});
    const adopted: string[] = [];
    const adopt = async (hub: string) => {
      adopted.push(hub);
      return hub;
    };
    await expect(hubToStartIn(hubs, { id: 'o1' }, adopt)).rejects.toThrow('its task hub "green" will do it');
    expect(adopted).toEqual(['green']);
  });

  it('needs the name of the hub', () => {
    expect(nameOf(blue.client)).toBe('blue');
    const { taskHubName: _, ...nameless } = blue.client;
    expect(() => nameOf(nameless)).toThrow('expected a durable client that names its task hub');
  });
});

describe('two apps that find the same lost orders', () => {
  it('start each of them once', async () => {
    const { orders } = createInMemoryShop(createTestClock());
    const starter = createOrderStarter({
      orders,
      currency: { code: 'usd', decimals: 2 },
      approval: { threshold: 500_000, timeout: 86_400_000 },
      paymentTimeout: 86_400_000,
    });
    const names = ['a', 'b', 'c'].map((name) => orderIdSchema.parse(name));
    await orders.acceptMany(names.map((name) => sampleOrder(name)));
    const fromGreen: TaskHubs = { own: green.client, other: { name: 'blue', client: blue.client } };
    const apps = [hubs, fromGreen].map((reached) => createOrderSagas(reached, starter));
    await Promise.allSettled(names.flatMap((name) => apps.map((sagas) => sagas.start(name))));
    expect([...blue.instances.keys(), ...green.instances.keys()].sort()).toEqual(names);
    for (const name of names) {
      const { taskHub, startedAt } = (await orders.find(name))!;
      expect((taskHub === 'blue' ? blue : green).instances.has(name)).toBe(true);
      expect(startedAt).toBeDefined();
    }
    // An activity has the client of its own hub alone.
    const inBlue = fromActivities(starter, 'green');
    const more = sampleOrder('d');
    await orders.accept(more, 'blue');
    await inBlue.start(blue.client, more.id);
    expect(blue.instances.has('d')).toBe(true);
    await orders.accept(sampleOrder('e'));
    await expect(inBlue.start(blue.client, orderIdSchema.parse('e'))).rejects.toThrow("can't be asked from here");
    await fromActivities(starter, undefined).start(blue.client, orderIdSchema.parse('e'));
    expect(blue.instances.has('e')).toBe(true);
  });
});
