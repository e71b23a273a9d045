import { z } from 'zod';
import { saga } from '../src';
import { MODES } from '../src/testing/turns';
import { failing, stage, statusOf, taped } from './support/tape';

const input = z.object({});
const book = taped('book');

const never = (): boolean => {
  throw new Error('it depends');
};

describe('definitions', () => {
  it.each([
    ['retry', { retry: { attempts: 0 } }],
    ['undoRetry', { undoRetry: { attempts: 0 } }],
    ['undoRetry', { undoRetry: { factor: NaN } }],
    ['undoRetry', { undoRetry: { cap: 'long' as never } }],
  ])('refuse a policy in %s that would fail on the way back: %j', (_where, options) => {
    expect(() => taped('bad', options)).toThrow(/^activity 'bad'.*expected/);
  });

  it.each(['constructor', 'toString', '__proto__', '0', '17', 'a/b', '', 'x'.repeat(101)])(
    'refuse an event of the name %j, which hosts or the library can not tell apart or carry',
    (name) => {
      const events = { [name]: z.string() };
      expect(() => saga({ name: 'odd', version: '1', input, events }, function* () {})).toThrow(RangeError);
    },
  );

  it('refuse two events whose names differ by case alone', () => {
    const events = { item: z.string(), Item: z.string() };
    expect(() => saga({ name: 'odd', version: '1', input, events }, function* () {})).toThrow(/'Item' twice/);
  });
});

describe.each(MODES)('an error in a retry policy of one call, run by %s', (mode) => {
  it('is found before the step is owed or tried', async () => {
    const body = saga({ name: 'wrong', version: '1', input }, function* (saga) {
      yield* saga.step(book, { n: 1 }, { retry: { attempts: 0 } });
    });
    const { tape, host, client } = stage(body, [book], { mode });
    await client.start({}, { id: 'a' });
    await host.run();
    expect(tape.calls).toEqual([]);
    expect((await statusOf(client, 'a')).failure).toMatchObject({ kind: 'defect' });
  });

  it.each(['retry', 'undoRetry'] as const)(
    'that throws when it is asked (%s) means no more attempts',
    async (which) => {
      const tries = taped('tries', { [which]: { attempts: 5, first: 10, retryIf: never } });
      const body = saga({ name: 'asking', version: '1', input }, function* (saga) {
        yield* saga.all([saga.step(tries, { n: 1 }), saga.step(book, { n: 2 })]);
        yield* saga.fail({ code: 'enough', message: 'that is all' });
      });
      const { tape, host, client } = stage(body, [tries, book], {
        mode,
        treat: ({ name }) => (name === 'book' ? { delay: 60_000 } : undefined),
      });
      tape.script(which === 'retry' ? 'tries' : 'tries_undo', failing(99));
      await client.start({}, { id: 'a' });
      await host.run();
      // Nothing is undone before its siblings have settled.
      expect(tape.calls.slice(0, 2)).toEqual(['tries', 'book']);
      expect(tape.calls.slice(2).sort()).toEqual(['book_undo', 'tries_undo']);
      expect((await statusOf(client, 'a')).state).toBe(which === 'retry' ? 'compensated' : 'parked');
      expect(host.logs.some(({ text }) => text.includes('its retryIf threw: it depends'))).toBe(true);
    },
  );
});

describe.each(MODES)('an operation that is used twice, run by %s', (mode) => {
  it.each(['one after the other', 'in a group'] as const)('%s is a defect: it has one key', async (how) => {
    const body = saga({ name: 'again', version: '1', input }, function* (saga) {
      const one = saga.step(book, { n: 1 });
      if (how === 'in a group') yield* saga.all([one, one]);
      yield* one;
      yield* one;
    });
    const { tape, host, client } = stage(body, [book], { mode });
    await client.start({}, { id: 'a' });
    await host.run();
    expect(tape.calls).toEqual(['book', 'book_undo']);
    expect((await statusOf(client, 'a')).failure).toMatchObject({
      kind: 'defect',
      message: "the operation with the key 'a/book#1' was used twice; write saga.step(...) anew for each call",
    });
  });
});

describe.each(MODES)('what statuses and hosts can not hold, run by %s', (mode) => {
  const messages = {
    key: "key of step 'book'",
    wait: '100 years at most',
    timeout: "step 'book': timeout: expected at least 1 ms, got 0",
  };

  it('is a defect where it is written: a key that is too long, a wait that never ends, a step without time', async () => {
    for (const what of ['key', 'wait', 'timeout'] as const) {
      const events = { reply: z.string() };
      const body = saga({ name: 'long', version: '1', input, events }, function* (saga) {
        yield* saga.step(book, { n: 1 });
        if (what === 'key') yield* saga.step(book, { n: 2 }, { key: 'x'.repeat(2_000) });
        if (what === 'timeout') yield* saga.step(book, { n: 2 }, { timeout: 0 });
        yield* saga.waitFor('reply', { timeout: '300000000000 days' });
      });
      const { tape, host, client } = stage(body, [book], { mode });
      await client.start({}, { id: 'a' });
      await host.run();
      expect(tape.calls).toEqual(['book', 'book_undo']);
      expect((await statusOf(client, 'a')).failure).toMatchObject({
        kind: 'defect',
        message: expect.stringContaining(messages[what]) as string,
      });
    }
  });
});
