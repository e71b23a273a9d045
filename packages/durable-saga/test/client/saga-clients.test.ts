import { z } from 'zod';
import { registerSagas, saga, sagaClients, SagaInputError } from '../../src';
import { captureFunctions } from '../support/functions-core';
import { stage, statusOf, Tape, taped, tapedOneWay } from '../support/tape';

const book = taped('book');
const pay = tapedOneWay('pay');
const order = saga(
  {
    name: 'order',
    version: '3',
    input: z.object({ lines: z.array(z.object({ quantity: z.int().positive() })), note: z.string().default('none') }),
    output: z.object({ version: z.string(), note: z.string() }),
    events: { approval: z.object({ approved: z.boolean() }) },
  },
  function* (saga, { note }) {
    yield* saga.step(book, { n: 1 });
    yield* saga.waitFor('approval');
    yield* saga.pivot(pay, { n: 2 });
    return { version: saga.version, note };
  },
);
const input = { lines: [{ quantity: 1 }] };

describe('starting', () => {
  it('gives the id, and stamps the version of the saga into the start', async () => {
    const { host, client } = stage(order, [book, pay]);
    expect(await client.start(input, { id: 'a' })).toMatchObject({ id: 'a', started: true });
    await host.raiseEvent('a', 'approval', { approved: true });
    await host.run();
    const status = await statusOf(client, 'a');
    expect(status.outcome).toEqual({ outcome: 'completed', result: { version: '3', note: 'none' } });
    expect(status.version).toBe('3');
  });

  it('lets the host make an id', async () => {
    const { client } = stage(order, [book, pay]);
    const { id, started } = await client.start(input);
    expect(started).toBe(true);
    expect(await client.get(id).status()).toMatchObject({ id, state: 'waiting' });
  });

  it('leaves an instance as it is that has the id already, running or finished', async () => {
    const { host, client } = stage(order, [book, pay]);
    await client.start(input, { id: 'a' });
    await host.run();
    expect(await client.start(input, { id: 'a' })).toMatchObject({ id: 'a', started: false });
    await host.raiseEvent('a', 'approval', { approved: true });
    await host.run();
    expect((await statusOf(client, 'a')).state).toBe('completed');
    expect(await client.start(input, { id: 'a' })).toMatchObject({ id: 'a', started: false });
    expect((await statusOf(client, 'a')).state).toBe('completed');
  });

  it('takes the word of the host that somebody else was faster', async () => {
    const { client } = stage(order, [book, pay]);
    await client.start(input, { id: 'a' });
    expect(await client.start(input, { id: 'a', assumeNew: true })).toMatchObject({ id: 'a', started: false });
  });

  it('refuses a bad input with every violation, and starts nothing', async () => {
    const { client } = stage(order, [book, pay]);
    const bad = { lines: [{ quantity: 0 }, { quantity: 'two' as never }], note: 7 as never };
    const refused: unknown = await client.start(bad, { id: 'a' }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(SagaInputError);
    expect(refused).toMatchObject({
      code: 'invalidInput',
      issues: [{ path: 'lines.0.quantity' }, { path: 'lines.1.quantity' }, { path: 'note' }],
    });
    expect(await client.get('a').status()).toBeUndefined();
  });

  it.each(['', 'a/b', 'a#b', 'a?b', 'a\\b', 'a%20b', '@entity', 'x'.repeat(101), 'a\nb'])(
    'refuses the id %j',
    async (id) => {
      const { client } = stage(order, [book, pay]);
      await expect(client.start(input, { id })).rejects.toThrow('expected an instance id of 1 to 100 characters');
    },
  );

  it('works without this client too, by the bare input', async () => {
    const { host, client } = stage(order, [book, pay]);
    await host.startNew('order', { instanceId: 'a', input: { ...input, note: 'bare' } });
    await host.raiseEvent('a', 'approval', { approved: true });
    await host.run();
    expect((await statusOf(client, 'a')).outcome).toEqual({
      outcome: 'completed',
      result: { version: '0', note: 'bare' },
    });
  });

  it('keeps the version of the start while the definition moves on', async () => {
    const { host } = stage(order, [book, pay]);
    const envelope = { $saga: { version: '1' }, input };
    await host.startNew('order', { instanceId: 'a', input: envelope });
    await host.raiseEvent('a', 'approval', { approved: true });
    await host.run();
    expect(host.instance('a').output).toMatchObject({ result: { version: '1' } });
  });
});

describe('asking and telling', () => {
  it('knows nothing of an instance that there is not, or of another saga', async () => {
    const { host, client } = stage(order, [book, pay]);
    const other = saga({ name: 'other', version: '1', input: z.object({}) }, function* () {
      yield* [];
    });
    await client.start(input, { id: 'a' });
    const others = sagaClients({ other })(host).other;
    expect(await client.get('b').status()).toBeUndefined();
    expect(await others.get('a').status()).toBeUndefined();
    const unknown = { accepted: false, code: 'unknown' };
    expect(await client.get('b').raise('approval', { approved: true })).toMatchObject(unknown);
    expect(await client.get('b').cancel()).toMatchObject(unknown);
    expect(await client.get('b').resolve({ action: 'retry' })).toEqual({ ...unknown, message: "there is no saga 'b'" });
    expect(await others.get('a').cancel()).toMatchObject(unknown);
  });

  it('shows an instance that has not had its first turn', async () => {
    const { host } = stage(order, [book, pay]);
    await host.startNew('order', { instanceId: 'a', input });
    const before = {
      startNew: () => Promise.reject(new Error('not used')),
      getStatusBy: () => Promise.reject(new Error('not used')),
      raiseEvent: () => Promise.reject(new Error('not used')),
      getStatus: () =>
        Promise.resolve({
          name: 'Order',
          runtimeStatus: 'Pending',
          createdTime: new Date(0),
          lastUpdatedTime: new Date(0),
          customStatus: null,
          output: null,
        }),
    };
    expect(await sagaClients({ order })(before).order.get('a').status()).toEqual({
      id: 'a',
      saga: 'order',
      version: '',
      state: 'running',
      pivot: 'none',
      steps: [],
      runtimeStatus: 'Pending',
      createdAt: new Date(0),
      updatedAt: new Date(0),
    });
  });

  it('refuses a payload that does not match its schema, with every violation', async () => {
    const { host, client } = stage(order, [book, pay]);
    await client.start(input, { id: 'a' });
    expect(await client.get('a').raise('approval', {} as never)).toMatchObject({
      accepted: false,
      code: 'invalid',
      issues: [{ path: 'approved' }],
    });
    await host.run();
    expect((await statusOf(client, 'a')).state).toBe('waiting');
  });

  it('says that a finished instance takes nothing any more', async () => {
    const { host, client } = stage(order, [book, pay]);
    await client.start(input, { id: 'a' });
    await client.get('a').raise('approval', { approved: true });
    await host.run();
    const finished = { accepted: false, code: 'finished', message: "saga 'a' has ended: it is completed" };
    expect(await client.get('a').raise('approval', { approved: true })).toEqual(finished);
    expect(await client.get('a').cancel()).toEqual(finished);
    expect(await client.get('a').resolve({ action: 'retry' })).toEqual(finished);
  });

  it('says that nothing is parked', async () => {
    const { client } = stage(order, [book, pay]);
    await client.start(input, { id: 'a' });
    expect(await client.get('a').resolve({ action: 'retry' })).toEqual({
      accepted: false,
      code: 'notParked',
      message: "saga 'a' is waiting, not parked",
    });
  });

  it('takes a cancel of a saga that is going back already as done', async () => {
    const { host, client } = stage(order, [book, pay], {
      treat: ({ name }) => ({ delay: name === 'book_undo' ? 5_000 : 0 }),
    });
    await client.start(input, { id: 'a' });
    await host.run();
    expect(await client.get('a').cancel()).toEqual({ accepted: true, confirmed: true });
    expect(await client.get('a').cancel()).toEqual({ accepted: true, confirmed: true });
    await host.run();
    expect((await statusOf(client, 'a')).state).toBe('compensated');
  });

  it('says when the saga has not said yet whether it is cancelled', async () => {
    const { host, client } = stage(order, [book, pay]);
    await client.start(input, { id: 'a' });
    await host.run();
    const running = await host.getStatus('a');
    const deaf = {
      startNew: () => Promise.reject(new Error('not used')),
      getStatusBy: () => Promise.reject(new Error('not used')),
      getStatus: () => Promise.resolve(running),
      raiseEvent: () => Promise.resolve(),
    };
    expect(await sagaClients({ order })(deaf).order.get('a').cancel({ wait: 30 })).toEqual({
      accepted: true,
      confirmed: false,
    });
  });

  it('lets errors of the platform through', async () => {
    const down = {
      startNew: () => Promise.reject(new Error('connect ECONNREFUSED')),
      getStatus: () => Promise.reject(new Error('connect ECONNREFUSED')),
      getStatusBy: () => Promise.reject(new Error('connect ECONNREFUSED')),
      raiseEvent: () => Promise.reject(new Error('connect ECONNREFUSED')),
    };
    const client = sagaClients({ order })(down).order;
    await expect(client.start(input)).rejects.toThrow('ECONNREFUSED');
    await expect(client.get('a').status()).rejects.toThrow('ECONNREFUSED');
    await expect(client.get('a').cancel()).rejects.toThrow('ECONNREFUSED');
  });
});

describe('registering', () => {
  it('registers a function for each saga, activity and undo', () => {
    const functions = captureFunctions(() => {
      registerSagas({ ports: { tape: new Tape() }, sagas: [order], activities: [book, pay] });
    });
    const kinds = [...functions.values()].map(({ name, bindings }) => [
      name,
      ...Object.values(bindings).map(({ type }) => type),
    ]);
    expect(kinds).toEqual([
      ['book', 'activityTrigger'],
      ['book_undo', 'activityTrigger'],
      ['pay', 'activityTrigger'],
      ['durableSagaCancelChild', 'activityTrigger', 'durableClient'],
      ['durableSagaReadOwed', 'activityTrigger', 'durableClient'],
      ['order', 'orchestrationTrigger'],
      ['durableSagaRecover', 'orchestrationTrigger'],
    ]);
    expect(captureFunctions(() => undefined).size).toBe(0);
  });
});
