import { z } from 'zod';
import { activity, many, saga, sagaClients, StepFailure } from '../src';
import type { Contact, SagaObserver } from '../src';
import { createSagaHost } from '../src/testing';
import { EventType } from '../src/testing/history';

/*
 * From where a saga was told to go on, as it is noted along with events. Turns are verified: each is replayed, and a turn that
 * asks for something else the second time is an error.
 */

const input = z.object({});
const note = activity({ name: 'note', input: z.object({ n: z.number() }), run: () => async () => undefined });
const hold = activity({
  name: 'hold',
  input: z.object({}),
  run: () => async () => undefined,
  undo: () => async () => undefined,
});
const breaks = activity({
  name: 'breaks',
  input: z.object({}),
  run: () => async () => {
    throw new StepFailure({ code: 'broken', message: 'no', effect: 'unknown' });
  },
  retry: { attempts: 1 },
});
const ask = saga(
  {
    name: 'ask',
    version: '1',
    input,
    output: z.object({ by: z.string() }),
    events: { approval: z.object({ by: z.string() }), item: many(z.strictObject({ n: z.number() })) },
  },
  function* (saga) {
    yield* saga.step(hold, {});
    const { by } = yield* saga.waitFor('approval');
    yield* saga.call(note, { n: 0 });
    for (let taken = 0; taken < 2; taken += 1) {
      const { n } = yield* saga.waitFor('item');
      yield* saga.call(note, { n });
    }
    return { by };
  },
);
const pays = saga({ name: 'pays', version: '1', input }, function* (saga) {
  yield* saga.pivot(note, { n: 1 });
  yield* saga.step(breaks, {});
});

/** Gives each contact a place of its own, and notes the causes of each attempt. */
function watching() {
  const contacts: Contact[] = [];
  const causes: [attempt: string, causes: readonly string[]][] = [];
  const observer: SagaObserver = {
    async attempt({ key, undo, attempt, causes: its }, run) {
      causes.push([`${undo ? 'undo ' : ''}${key.slice(key.indexOf('/') + 1)}/${attempt}`, its]);
      await run();
    },
    contact(contact) {
      contacts.push(contact);
      return placeOf(contacts.length);
    },
  };
  return { contacts, causes, observer };
}

const placeOf = (n: number): string => `00-${'a'.repeat(32)}-${String(n).padStart(16, '0')}-01`;

function hostWith(observer: SagaObserver | undefined) {
  const activities = [note, hold, breaks];
  return createSagaHost({ sagas: [ask, pays], activities, ports: {}, observer, mode: 'verify' });
}

describe('who makes a saga go on', () => {
  it('is told to the attempt that follows the event, and to no other', async () => {
    const { contacts, causes, observer } = watching();
    const host = hostWith(observer);
    const one = await host.start(ask, {}, { id: 'a' });
    await one.raise('approval', { by: 'Ann' });
    await one.raise('item', { n: 1 });
    await one.raise('item', { n: 2 }, { id: 'second' });
    await one.raise('item', { n: 3 }, { id: 'second' });
    expect(await host.result(ask, 'a')).toEqual({ outcome: 'completed', result: { by: 'Ann' } });
    expect(causes).toEqual([
      ['hold#1/1', []],
      ['note#1/1', [placeOf(2)]],
      ['note#2/1', [placeOf(3)]],
      ['note#3/1', [placeOf(4)]],
    ]);
    expect(contacts.slice(0, 3)).toEqual([
      { saga: 'ask', instanceId: 'a', event: undefined, startedIn: undefined },
      { saga: 'ask', instanceId: 'a', event: 'approval', startedIn: placeOf(1) },
      { saga: 'ask', instanceId: 'a', event: 'item', startedIn: placeOf(1) },
    ]);
  });

  it('is told to the first undo after a cancel', async () => {
    const { causes, observer } = watching();
    const host = hostWith(observer);
    const one = await host.start(ask, {}, { id: 'a' });
    expect(await one.cancel({ reason: 'no more' })).toEqual({ accepted: true, confirmed: true });
    expect(await host.result(ask, 'a')).toMatchObject({ failure: { code: 'cancelled', message: 'no more' } });
    expect(causes).toEqual([
      ['hold#1/1', []],
      ['undo hold#1/1', [placeOf(2)]],
    ]);
  });

  it('is told to the attempt that an operator has asked for', async () => {
    const { causes, observer } = watching();
    const host = hostWith(observer);
    const one = await host.start(pays, {}, { id: 'p' });
    await host.run();
    await one.resolve({ action: 'retry', step: 'p/breaks#1' }, { wait: 0 });
    await host.run();
    expect(causes.at(-1)).toEqual(['breaks#1/2', [placeOf(2)]]);
  });

  it('is not told to a saga that was started without a trace, which may be of a version that takes less', async () => {
    const { observer } = watching();
    const host = hostWith(observer);
    await sagaClients({ ask })(host.durable).ask.start({}, { id: 'a' });
    await host.run();
    await host.client(ask).get('a').raise('approval', { by: 'Ann' });
    await host.run();
    const raised = host.durable.instance('a').history.find(({ EventType: type }) => type === EventType.eventRaised);
    expect(raised).toMatchObject({ Input: '{"by":"Ann"}' });
  });

  it('stands in no history where nobody observes', async () => {
    const host = hostWith(undefined);
    const one = await host.start(ask, {}, { id: 'a' });
    await one.raise('approval', { by: 'Ann' });
    await host.run();
    expect(JSON.stringify(host.durable.instance('a').history)).not.toMatch(/trace|causes/);
  });

  it('is known after another history of the same instance has begun', async () => {
    const again = saga(
      { name: 'again', version: '1', input: z.object({ n: z.number() }), events: { go: z.object({}) } },
      function* (saga, { n }) {
        if (n === 0) return yield* saga.continueAs({ n: 1 });
        yield* saga.waitFor('go');
        return yield* saga.call(note, { n });
      },
    );
    const { contacts, causes, observer } = watching();
    const host = createSagaHost({ sagas: [again], activities: [note], ports: {}, observer });
    const one = await host.start(again, { n: 0 }, { id: 'a' });
    await host.run();
    await one.raise('go', {});
    await host.run();
    expect(contacts.at(-1)).toMatchObject({ event: 'go', startedIn: placeOf(1) });
    expect(causes).toEqual([['note#1/1', [placeOf(2)]]]);
  });
});
