import { z } from 'zod';
import { createMemoryStarts } from '../../src/memory';
import { saga, sagaClients, SagaIdTaken } from '../../src';
import type { DurableClientPort, StartStore } from '../../src';
import { createSagaHost } from '../../src/testing';
import { Tape, tapedOneWay } from '../support/tape';

const pay = tapedOneWay('pay');
const input = z.object({ n: z.number(), note: z.string().default('none') });
const order = saga({ name: 'order', version: '3', input, output: z.string() }, function* (saga, { n }) {
  yield* saga.pivot(pay, { n });
  return `paid ${n}`;
});
const refund = saga({ name: 'refund', version: '1', input }, function* (saga, { n }) {
  yield* saga.pivot(pay, { n });
});

/** A host, a store of starts with a clock, and what the client asked the host. */
function open() {
  const tape = new Tape();
  const host = createSagaHost({ ports: { tape }, sagas: [order, refund], activities: [pay] }).durable;
  let now = 0;
  const starts = createMemoryStarts({ clock: () => new Date(now) });
  const asked: string[] = [];
  const counting: DurableClientPort = {
    startNew: (name, options) => {
      asked.push(`start ${options.instanceId ?? ''}`);
      return host.startNew(name, { ...options, instanceId: options.instanceId ?? 'made' });
    },
    getStatus: (id) => {
      asked.push(`status ${id}`);
      return host.getStatus(id);
    },
    getStatusBy: (filter) => host.getStatusBy(filter),
    raiseEvent: (id, name, payload) => host.raiseEvent(id, name, payload),
  };
  const clients = (client: DurableClientPort = counting, store: StartStore | undefined = starts) =>
    sagaClients({ order, refund }, { starts: store })(client);
  return { tape, host, starts, asked, counting, clients, advance: (by: number) => (now += by) };
}

const note = { saga: 'order', version: '3', inputHash: 'of some other input' };
const LEASE = 10_000;

describe('a start, with a store of starts', () => {
  it('happens once for an id: running, ended and purged', async () => {
    const { tape, host, clients } = open();
    const first = await clients().order.start({ n: 1 }, { id: 'a' });
    expect(first).toMatchObject({ id: 'a', started: true, sameInput: true });
    const again = { id: 'a', started: false, sameInput: true };
    expect(await clients().order.start({ n: 1 }, { id: 'a' })).toMatchObject(again);
    expect(await first.result()).toEqual({ outcome: 'completed', result: 'paid 1' });
    const second = await clients().order.start({ n: 1 }, { id: 'a' });
    expect(second).toMatchObject(again);
    expect(await second.result()).toEqual({ outcome: 'completed', result: 'paid 1' });
    host.purge('a');
    expect(await clients().order.start({ n: 1 }, { id: 'a', assumeNew: true })).toMatchObject(again);
    await host.run();
    expect(tape.calls).toEqual(['pay']);
  });

  it('tells when the first one had another input', async () => {
    const { host, clients } = open();
    await clients().order.start({ n: 1 }, { id: 'a' });
    const other = { started: false, sameInput: false };
    expect(await clients().order.start({ n: 2 }, { id: 'a' })).toMatchObject(other);
    host.purge('a');
    expect(await clients().order.start({ n: 2 }, { id: 'a' })).toMatchObject(other);
  });

  it('happens once when many ask for it at the same moment, and all get its handle', async () => {
    const { tape, host, clients, asked } = open();
    const all = await Promise.all(Array.from({ length: 20 }, () => clients().order.start({ n: 1 }, { id: 'a' })));
    expect(all.filter(({ started }) => started)).toHaveLength(1);
    expect(all.map(({ id, sameInput }) => [id, sameInput])).toEqual(Array(20).fill(['a', true]));
    expect(asked.filter((what) => what === 'start a')).toHaveLength(1);
    await host.run();
    expect(tape.calls).toEqual(['pay']);
  });

  it('is finished by the next one when the caller died between claim and start', async () => {
    const { host, starts, clients, advance } = open();
    await starts.claim('a', note, LEASE);
    const next = clients().order.start({ n: 1 }, { id: 'a' });
    expect(await host.getStatus('a').catch(() => 'none')).toBe('none');
    advance(LEASE);
    expect(await next).toMatchObject({ started: true, sameInput: true });
    expect(await clients().order.get('a').result()).toMatchObject({ outcome: 'completed' });
    expect(await clients().order.start({ n: 1 }, { id: 'a' })).toMatchObject({ started: false, sameInput: true });
  });

  it.each(['while the lease lasts', 'after it'])(
    'is not repeated when the caller died between start and confirmation (%s)',
    async (when) => {
      const { tape, host, starts, clients, advance } = open();
      await starts.claim('a', note, LEASE);
      await host.startNew('order', { instanceId: 'a', input: { $saga: { version: '3' }, input: { n: 1 } } });
      await host.run();
      if (when === 'after it') advance(LEASE);
      expect(await clients().order.start({ n: 1 }, { id: 'a' })).toMatchObject({ started: false, sameInput: true });
      host.purge('a');
      expect(await clients().order.start({ n: 2 }, { id: 'a' })).toMatchObject({ started: false, sameInput: false });
      expect(tape.calls).toEqual(['pay']);
    },
  );

  it('may be corrected when the host refused it', async () => {
    const { counting, clients } = open();
    const down = { ...counting, startNew: () => Promise.reject(new Error('connect ECONNREFUSED')) };
    await expect(clients(down).order.start({ n: 1 }, { id: 'a' })).rejects.toThrow('ECONNREFUSED');
    expect(await clients().order.start({ n: 2 }, { id: 'a' })).toMatchObject({ started: true, sameInput: true });
  });

  it('is not doubled when the host took it and its answer, or the confirmation, was lost', async () => {
    const { tape, host, starts, counting, clients } = open();
    const deaf = {
      ...counting,
      startNew: async (...start: Parameters<DurableClientPort['startNew']>) => {
        await host.startNew(...start);
        throw new Error('socket hang up');
      },
    };
    await expect(clients(deaf).order.start({ n: 1 }, { id: 'a' })).rejects.toThrow('socket hang up');
    const forgetful = { ...starts, confirm: () => Promise.reject(new Error('the store is down')) };
    await expect(clients(counting, forgetful).order.start({ n: 1 }, { id: 'b' })).rejects.toThrow('the store is down');
    await host.run();
    for (const id of ['a', 'b']) {
      expect(await clients().order.start({ n: 1 }, { id })).toMatchObject({ started: false, sameInput: true });
    }
    await host.run();
    expect(tape.calls).toEqual(['pay', 'pay']);
  });

  it('is not doubled for a caller who takes the id for new, when the confirmation was lost', async () => {
    const { tape, host, starts, counting, clients } = open();
    const forgetful = { ...starts, confirm: () => Promise.reject(new Error('the store is down')) };
    const start = { id: 'a', assumeNew: true };
    await expect(clients(counting, forgetful).order.start({ n: 1 }, start)).rejects.toThrow('the store is down');
    await host.run();
    expect(await clients().order.start({ n: 1 }, start)).toMatchObject({ started: false, sameInput: true });
    await host.run();
    expect(tape.calls).toEqual(['pay']);
  });

  it('leaves an instance alone that was started before there was a store, or without the typed client', async () => {
    const { tape, host, clients } = open();
    await host.startNew('order', { instanceId: 'a', input: { n: 1 } });
    await host.run();
    expect(await clients().order.start({ n: 1 }, { id: 'a' })).toMatchObject({ started: false, sameInput: true });
    host.purge('a');
    expect(await clients().order.start({ n: 2 }, { id: 'a' })).toMatchObject({ started: false, sameInput: false });
    expect(tape.calls).toEqual(['pay']);
  });

  it('says nothing of the input where the host shows that of a later generation', async () => {
    const { host, clients } = open();
    const start = { $saga: { version: '3', carried: {} }, input: { n: 9 } };
    await host.startNew('order', { instanceId: 'a', input: start });
    const without = sagaClients({ order })(host).order;
    expect(await without.start({ n: 1 }, { id: 'a' })).toMatchObject({ started: false, sameInput: undefined });
    expect(await clients().order.start({ n: 1 }, { id: 'a' })).toMatchObject({ started: false, sameInput: undefined });
  });

  it('asks the host nothing when the id is known to be new, or was started before', async () => {
    const { asked, clients } = open();
    await clients().order.start({ n: 1 }, { id: 'a', assumeNew: true });
    await clients().order.start({ n: 1 }, { id: 'a' });
    expect(asked).toEqual(['start a']);
  });

  it('claims nothing where the host makes the id', async () => {
    const { starts, clients } = open();
    expect(await clients().order.start({ n: 1 })).toMatchObject({ id: 'made', started: true });
    expect((await starts.claim('made', note, LEASE)).state).toBe('claimed');
  });

  it('claims nothing for a bad input or a bad id', async () => {
    const { starts, clients } = open();
    await expect(clients().order.start({ n: 'x' as never }, { id: 'a' })).rejects.toThrow('does not match its schema');
    await expect(clients().order.start({ n: 1 }, { id: 'a/b' })).rejects.toThrow(RangeError);
    expect((await starts.claim('a', note, LEASE)).state).toBe('claimed');
  });
});

describe('an id of another saga', () => {
  it.each(['with a store', 'without'])('is not taken for one of this saga (%s)', async (how) => {
    const { tape, host, counting, starts } = open();
    const client = sagaClients({ order, refund }, how === 'without' ? {} : { starts })(counting);
    await client.refund.start({ n: 1 }, { id: 'a' });
    const refused: unknown = await client.order.start({ n: 1 }, { id: 'a' }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(SagaIdTaken);
    expect(refused).toMatchObject({
      code: 'idTaken',
      message: "expected 'a' to be the id of an instance of saga 'order', but it is one of 'refund'",
    });
    await host.run();
    expect(tape.calls).toEqual(['pay']);
  });
});

describe('a start, without a store of starts', () => {
  it('tells whether the instance that is there was started with the same input', async () => {
    const { host } = open();
    const client = sagaClients({ order })(host).order;
    await client.start({ n: 1 }, { id: 'a' });
    expect(await client.start({ n: 1 }, { id: 'a' })).toMatchObject({ started: false, sameInput: true });
    await host.run();
    expect(await client.start({ n: 2 }, { id: 'a' })).toMatchObject({ started: false, sameInput: false });
  });

  it('is a new one when the history was purged', async () => {
    const { host, tape } = open();
    const client = sagaClients({ order })(host).order;
    await client.start({ n: 1 }, { id: 'a' });
    await host.run();
    host.purge('a');
    expect(await client.start({ n: 1 }, { id: 'a' })).toMatchObject({ started: true });
    await host.run();
    expect(tape.calls).toEqual(['pay', 'pay']);
  });
});
