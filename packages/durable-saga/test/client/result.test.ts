import { z } from 'zod';
import { saga, sagaClients, SagaResultError, SagaResultTimeout } from '../../src';
import type { DurableClientPort, FoundInstance, InstanceStatus } from '../../src';
import { MODES } from '../../src/testing/turns';
import { stage, taped, tapedOneWay } from '../support/tape';

const book = taped('book');
const pay = tapedOneWay('pay');
const order = saga(
  {
    name: 'order',
    version: '1',
    input: z.object({}),
    output: z.object({ paid: z.string() }),
    events: { approval: z.object({ approved: z.boolean() }) },
  },
  function* (saga) {
    yield* saga.step(book, { n: 1 });
    const { approved } = yield* saga.waitFor('approval');
    if (!approved) return yield* saga.fail({ code: 'refused', message: 'nobody wants it' });
    return { paid: yield* saga.pivot(pay, { n: 2 }) };
  },
);

describe.each(MODES)('the result, run by %s', (mode) => {
  it.each([
    [true, { outcome: 'completed', result: { paid: 'pay 2' } }],
    [false, { outcome: 'compensated', failure: { kind: 'declared', code: 'refused' } }],
  ])('is the outcome, waited for (approved: %s)', async (approved, outcome) => {
    const { host, client } = stage(order, [book, pay], { mode });
    const one = await client.start({}, { id: 'a' });
    await host.run();
    const result = one.result({ timeout: '20 seconds' });
    await one.raise('approval', { approved });
    expect(await result).toMatchObject(outcome);
    expect(await client.get('a').result()).toMatchObject(outcome);
  });

  it('is not there in time for a saga that waits', async () => {
    const { host, client } = stage(order, [book, pay], { mode });
    const one = await client.start({}, { id: 'a' });
    await host.run();
    const error: unknown = await one.result({ timeout: 50 }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(SagaResultTimeout);
    expect(error).toBeInstanceOf(SagaResultError);
    expect(error).toMatchObject({
      code: 'timeout',
      message: "saga 'a' has not ended within 50: it is waiting",
      status: { id: 'a', state: 'waiting' },
    });
    // Asking changed nothing.
    await one.raise('approval', { approved: true });
    expect(await one.result()).toMatchObject({ outcome: 'completed' });
  });
});

describe('no result', () => {
  it.each([
    ['Terminated', 'terminated', "saga 'a' was terminated, and nothing was undone: by hand"],
    ['Failed', 'failed', "saga 'a' was failed by the platform, and nothing was undone: by hand"],
  ] as const)('is to be waited for of a saga that is %s', async (how, code, message) => {
    const { host, client } = stage(order, [book, pay]);
    const one = await client.start({}, { id: 'a' });
    await host.run();
    host.stop('a', how, 'by hand');
    await expect(one.result()).rejects.toMatchObject({ name: 'SagaResultError', code, message });
    expect(await one.status()).toMatchObject({ state: code, reason: 'by hand', runtimeStatus: how });
    const refused = { accepted: false, code: 'finished', message: `saga 'a' has ended: it is ${code}` };
    expect(await one.raise('approval', { approved: true })).toEqual(refused);
    expect(await one.cancel()).toEqual(refused);
    expect(await one.resolve({ action: 'retry' })).toEqual(refused);
  });

  it('is there of an instance that nobody knows', async () => {
    const { client } = stage(order, [book, pay]);
    await expect(client.get('b').result()).rejects.toMatchObject({ code: 'unknown', message: "there is no saga 'b'" });
  });

  it('is there yet of a saga that has ended and whose instance waits for an attempt that was given up', async () => {
    const running: FoundInstance = {
      name: 'order',
      runtimeStatus: 'Running',
      createdTime: new Date(0),
      lastUpdatedTime: new Date(0),
      customStatus: { saga: 'order', version: '1', state: 'completed', pivot: 'passed', steps: [] },
      output: null,
    };
    const ended = { ...running, runtimeStatus: 'Completed', output: { outcome: 'completed', result: { paid: 'x' } } };
    const answers = [running, running, ended];
    const client: DurableClientPort = {
      startNew: () => Promise.reject(new Error('not used')),
      getStatus: () => Promise.resolve(answers.shift() ?? ended),
      getStatusBy: () => Promise.reject(new Error('not used')),
      raiseEvent: () => Promise.reject(new Error('not used')),
    };
    const one = sagaClients({ order })(client).order.get('a');
    expect(await one.raise('approval', { approved: true })).toMatchObject({ accepted: false, code: 'finished' });
    expect(await one.result()).toEqual({ outcome: 'completed', result: { paid: 'x' } });
    expect(answers).toEqual([]);
  });
});

describe('the list', () => {
  const listed = async (list: AsyncIterable<InstanceStatus<unknown>>): Promise<string[]> => {
    const ids: string[] = [];
    for await (const { id } of list) ids.push(id);
    return ids;
  };

  it('has the instances of one saga, by state and time', async () => {
    const { host, tape, client } = stage(order, [book, pay]);
    tape.script('book_undo', (attempt) => {
      if (tape.undone.at(-1)?.key === 'parked/book#1' && attempt <= 100) throw new Error('unreachable');
    });
    const startedAt = host.now;
    for (const id of ['waiting', 'done', 'undone', 'parked', 'stopped', 'broken']) await client.start({}, { id });
    await host.run();
    await client.get('done').raise('approval', { approved: true });
    await client.get('undone').cancel();
    await client.get('parked').cancel();
    host.stop('stopped', 'Terminated', 'by hand');
    host.stop('broken', 'Failed', 'no such orchestrator');
    await host.run();
    // What is not of this saga: another orchestrator's instance.
    const others = sagaClients({ other: { ...order, name: 'other' } })(host).other;
    expect(await listed(others.list())).toEqual([]);

    const list = client.list.bind(client);
    expect(await listed(list())).toEqual(['waiting', 'done', 'undone', 'parked', 'stopped', 'broken']);
    expect(await listed(list({ state: 'waiting' }))).toEqual(['waiting']);
    expect(await listed(list({ state: 'completed' }))).toEqual(['done']);
    expect(await listed(list({ state: 'compensated' }))).toEqual(['undone']);
    expect(await listed(list({ state: 'parked' }))).toEqual(['parked']);
    expect(await listed(list({ state: 'terminated' }))).toEqual(['stopped']);
    expect(await listed(list({ state: 'failed' }))).toEqual(['broken']);
    expect(await listed(list({ state: 'running' }))).toEqual([]);
    expect(await listed(list({ createdFrom: new Date(startedAt), createdTo: new Date(startedAt) }))).toHaveLength(6);
    expect(await listed(list({ createdTo: new Date(startedAt - 1) }))).toEqual([]);
    expect(await listed(list({ createdFrom: new Date(host.now + 1) }))).toEqual([]);
    for await (const { outcome } of list({ state: 'completed' })) {
      expect(outcome).toEqual({ outcome: 'completed', result: { paid: 'pay 2' } });
    }
    await expect(listed(list({ state: 'lost' as never }))).rejects.toThrow('expected a state of running, waiting');
  });
});
