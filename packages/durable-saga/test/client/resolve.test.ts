import { z } from 'zod';
import { saga, sagaClients } from '../../src';
import { MODES } from '../../src/testing/turns';
import type { Mode } from '../../src/testing';
import { failing, stage, statusOf, taped, tapedOneWay } from '../support/tape';

const book = taped('book');
const pay = tapedOneWay('pay');
const ship = taped('ship', { retry: { attempts: 1 } });

/** Ships in parallel after the pivot: each failing shipment parks. */
const fan = saga(
  { name: 'fan', version: '1', input: z.object({ count: z.int() }), output: z.array(z.string()) },
  function* (saga, { count }) {
    yield* saga.pivot(pay, { n: 1 });
    return yield* saga.all(Array.from({ length: count }, (_, n) => saga.step(ship, { n })));
  },
);

async function park(mode: Mode, count: number) {
  const staged = stage(fan, [book, pay, ship], { mode });
  staged.tape.script('ship', failing(1));
  await staged.client.start({ count }, { id: 'a' });
  await staged.host.run();
  return { ...staged, one: staged.client.get('a') };
}

const done = { accepted: true, confirmed: true };

describe.each(MODES)('an answer to what is parked, run by %s', (mode) => {
  it('is for one step, where several are parked, and all of them are shown', async () => {
    const { host, client, one } = await park(mode, 3);
    const before = await statusOf(client, 'a');
    expect(before.parked).toMatchObject({ number: 1, key: 'a/ship#1', others: 2 });
    expect(before.alsoParked).toMatchObject([
      { number: 2, what: 'step', name: 'ship', key: 'a/ship#2' },
      { number: 3, what: 'step', name: 'ship', key: 'a/ship#3' },
    ]);
    expect(await one.resolve({ action: 'skip', output: 'by hand', step: 'a/ship#2' })).toEqual(done);
    const after = await statusOf(client, 'a');
    expect([after.parked?.key, after.alsoParked?.map(({ key }) => key)]).toEqual(['a/ship#1', ['a/ship#3']]);
    expect(await one.resolve({ action: 'retry', step: 'a/ship#3' })).toEqual(done);
    expect((await statusOf(client, 'a')).parked).toMatchObject({ key: 'a/ship#1', others: 0 });
    expect(await one.resolve({ action: 'skip', output: 'too' })).toEqual(done);
    await host.run();
    expect((await statusOf(client, 'a')).outcome).toMatchObject({ result: ['too', 'by hand', 'ship 2'] });
  });

  it('must say which it is for, unless all are to be tried again', async () => {
    const { host, client, one } = await park(mode, 2);
    expect(await one.resolve({ action: 'skip', output: 'x' })).toEqual({
      accepted: false,
      code: 'ambiguous',
      message: "several of saga 'a' are parked, name one: 'a/ship#1', 'a/ship#2'",
    });
    expect(await one.resolve({ action: 'fail' })).toMatchObject({ accepted: false, code: 'ambiguous' });
    expect(await one.resolve({ action: 'retry', step: 'a/ship#7' })).toEqual({
      accepted: false,
      code: 'notParked',
      message: "of saga 'a' only 'a/ship#1', 'a/ship#2' is parked, not 'a/ship#7'",
    });
    expect(await one.resolve({ action: 'retry' })).toEqual(done);
    await host.run();
    expect((await statusOf(client, 'a')).state).toBe('completed');
  });

  it('tells whoever gives a wrong output what is wrong with it, each time', async () => {
    const { client, one } = await park(mode, 2);
    const skip = (output: unknown) => one.resolve({ action: 'skip', output, step: 'a/ship#2' });
    for (const output of [42, undefined]) {
      const answer = await skip(output);
      expect(answer).toMatchObject({ accepted: false, code: 'invalid' });
      expect(JSON.stringify(answer)).toContain("the skip's output is not valid");
    }
    expect((await statusOf(client, 'a')).alsoParked).toMatchObject([{ key: 'a/ship#2', refusal: { count: 2 } }]);
    expect(await skip('fine')).toEqual(done);
  });

  it('reaches a step that the status has no room for', async () => {
    const { host, client, one } = await park(mode, 14);
    const status = await statusOf(client, 'a');
    expect(status.parked?.others).toBe(13);
    expect(status.alsoParked).toHaveLength(9);
    expect(await one.resolve({ action: 'skip', output: 'the last', step: 'a/ship#14' })).toEqual({
      accepted: true,
      confirmed: false,
    });
    expect((await statusOf(client, 'a')).parked?.others).toBe(12);
    expect(await one.resolve({ action: 'retry' })).toEqual(done);
    await host.run();
    const { outcome } = await statusOf(client, 'a');
    expect(outcome?.outcome === 'completed' && (outcome.result as string[]).at(-1)).toBe('the last');
  });
});

describe('an answer', () => {
  it('is not confirmed while the saga has not taken it', async () => {
    const { host } = await park('replay', 1);
    const deaf = {
      startNew: () => Promise.reject(new Error('not used')),
      getStatus: (id: string) => host.getStatus(id),
      getStatusBy: () => Promise.reject(new Error('not used')),
      raiseEvent: () => Promise.resolve(),
    };
    const one = sagaClients({ fan })(deaf).fan.get('a');
    expect(await one.resolve({ action: 'retry' }, { wait: 30 })).toEqual({ accepted: true, confirmed: false });
  });
});
