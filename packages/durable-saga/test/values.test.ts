import { z } from 'zod';
import { activity, many, saga, SagaInputError, StepFailure } from '../src';
import { MODES } from '../src/testing/turns';
import type { TapePorts } from './support/tape';
import { failing, stage, statusOf, taped, tapedOneWay } from './support/tape';

const input = z.object({});
const book = taped('book');
const pay = tapedOneWay('pay');
const cyclic: Record<string, unknown> = {};
cyclic['itself'] = cyclic;

/** Throws at what is no JSON. */
const parsedText = z.string().transform((text) => JSON.parse(text) as unknown);

const pack = activity({
  name: 'pack',
  input: z.object({ list: z.array(z.number()) }),
  output: z.object({ packed: z.array(z.number()) }),
  retry: { attempts: 2, first: '1 second' },
  run:
    ({ tape }: TapePorts) =>
    async ({ list }, step) => {
      tape.undone.push({ name: 'pack', key: `attempt ${step.attempt}`, input: { list }, output: undefined });
      tape.play('pack', step);
      return { packed: list };
    },
  undo:
    ({ tape }: TapePorts) =>
    async (done, step) => {
      tape.undone.push({ name: 'pack_undo', key: step.key, input: done.input, output: done.output });
    },
});

const echo = activity({
  name: 'echo',
  input: z.unknown(),
  output: z.unknown(),
  run:
    ({ tape }: TapePorts) =>
    async (given, step) => {
      tape.play('echo', step);
      return given;
    },
});

describe.each(MODES)('what a body does to its values, run by %s', (mode) => {
  it('changes nothing of what retries and undos get', async () => {
    const body = saga({ name: 'changing', version: '1', input }, function* (saga) {
      const asked = { list: [1, 2] };
      const [answer] = yield* saga.all([
        saga.step(pack, asked),
        function* () {
          yield* saga.sleep(0);
          asked.list.push(3);
        },
      ]);
      answer.packed.pop();
      yield* saga.fail({ code: 'enough', message: 'that is all' });
    });
    const { tape, host, client } = stage(body, [pack], { mode });
    tape.script('pack', failing(1));
    await client.start({}, { id: 'a' });
    await host.run();
    expect(tape.undone).toEqual([
      { name: 'pack', key: 'attempt 1', input: { list: [1, 2] }, output: undefined },
      { name: 'pack', key: 'attempt 2', input: { list: [1, 2] }, output: undefined },
      { name: 'pack_undo', key: 'a/pack#1', input: { list: [1, 2] }, output: { packed: [1, 2] } },
    ]);
  });
});

describe.each(MODES)('what JSON can not hold, run by %s', (mode) => {
  it.each([
    ['a bigint', { n: 5n }],
    ['a cycle', cyclic],
  ] as const)('is a defect as the input of a step: %s', async (_what, value) => {
    const body = saga({ name: 'odd', version: '1', input }, function* (saga) {
      yield* saga.step(book, { n: 1 });
      yield* saga.call(echo, value);
    });
    const { tape, host, client } = stage(body, [book, echo], { mode });
    await client.start({}, { id: 'a' });
    await host.run();
    expect(tape.calls).toEqual(['book', 'book_undo']);
    const message = expect.stringMatching(/^input of step 'echo': expected a value that JSON can hold: /) as string;
    expect((await statusOf(client, 'a')).outcome).toMatchObject({ failure: { kind: 'defect', message } });
  });

  it('is a defect as the input of a child, which is not started', async () => {
    const child = saga({ name: 'child', version: '1', input: z.unknown() }, function* (saga) {
      yield* saga.step(book, { n: 2 });
    });
    const body = saga({ name: 'odd', version: '1', input }, function* (saga) {
      yield* saga.step(book, { n: 1 });
      yield* saga.child(child, { n: 5n });
    });
    const { tape, host, client } = stage(body, [book], { mode, others: [child] });
    await client.start({}, { id: 'a' });
    await host.run();
    expect(tape.calls).toEqual(['book', 'book_undo']);
    expect((await statusOf(client, 'a')).failure).toMatchObject({ kind: 'defect' });
  });

  it("is a defect as the saga's result, and in the details of its fail", async () => {
    for (const how of ['result', 'details'] as const) {
      const body = saga({ name: 'odd', version: '1', input, output: z.bigint() }, function* (saga) {
        yield* saga.step(book, { n: 1 });
        if (how === 'details') yield* saga.fail({ code: 'x', message: 'x', details: cyclic });
        return 5n;
      });
      const { tape, host, client } = stage(body, [book], { mode });
      await client.start({}, { id: 'a' });
      await host.run();
      expect(tape.calls).toEqual(['book', 'book_undo']);
      expect((await statusOf(client, 'a')).outcome).toMatchObject({
        outcome: 'compensated',
        failure: { kind: 'defect', message: expect.stringContaining('that JSON can hold') as string },
      });
    }
  });

  it('is a failure as the output of a step that maybe ran: it is not tried again, and is undone', async () => {
    const odd = activity({
      name: 'odd',
      input,
      output: z.object({ n: z.bigint() }),
      run:
        ({ tape }: TapePorts) =>
        async (_input, step) => {
          tape.play('odd', step);
          return { n: 5n };
        },
      undo:
        ({ tape }: TapePorts) =>
        async (_done, step) =>
          tape.play('odd_undo', step),
    });
    const body = saga({ name: 'giving', version: '1', input }, function* (saga) {
      yield* saga.step(odd, {});
    });
    const { tape, host, client } = stage(body, [odd], { mode });
    await client.start({}, { id: 'a' });
    await host.run();
    expect(tape.calls).toEqual(['odd', 'odd_undo']);
    expect((await statusOf(client, 'a')).outcome).toMatchObject({ failure: { kind: 'validation', code: 'notJson' } });
  });

  it('is text in the details of a declared failure, which says the rest all the same', async () => {
    const body = saga({ name: 'refused', version: '1', input }, function* (saga) {
      yield* saga.step(book, { n: 1 });
    });
    const { tape, host, client } = stage(body, [book], { mode });
    tape.script('book', () => {
      throw new StepFailure({ code: 'soldOut', message: 'none left', effect: 'none', details: { left: 0n } });
    });
    await client.start({}, { id: 'a' });
    await host.run();
    expect(tape.calls).toEqual(['book']);
    expect((await statusOf(client, 'a')).outcome).toMatchObject({
      failure: { kind: 'declared', code: 'soldOut', details: 'thrown value: [object Object]' },
    });
  });

  it('is refused by the client, in an input and in a payload', async () => {
    const events = { some: z.unknown() };
    const body = saga({ name: 'odd', version: '1', input: z.unknown(), events }, function* (saga) {
      yield* saga.waitFor('some');
    });
    const { host, client } = stage(body, [], { mode });
    await expect(client.start({ n: 5n }, { id: 'a' })).rejects.toBeInstanceOf(SagaInputError);
    await client.start({}, { id: 'a' });
    await host.run();
    expect(await client.get('a').raise('some', cyclic)).toMatchObject({ accepted: false, code: 'invalid' });
  });
});

describe.each(MODES)('a schema that throws at a value, run by %s', (mode) => {
  const events = { note: parsedText, notes: many(parsedText) };
  const body = saga(
    { name: 'reading', version: '1', input: z.object({ text: parsedText.optional() }), events },
    function* (saga) {
      yield* saga.step(book, { n: 1 });
      yield* saga.waitFor('note');
      yield* saga.waitFor('notes');
    },
  );

  it('has said that an event is not valid, which is passed over', async () => {
    const { host, client } = stage(body, [book], { mode });
    await client.start({}, { id: 'a' });
    for (const payload of ['{', '{}']) {
      await host.raiseEvent('a', 'note', payload);
      await host.raiseEvent('a', 'notes', payload);
    }
    await host.run();
    expect((await statusOf(client, 'a')).outcome).toEqual({ outcome: 'completed' });
    expect(host.logs.filter(({ text }) => text.includes('ignored'))).toHaveLength(2);
  });

  it('has said so of what a client is given, and of what a plain one has started', async () => {
    const { tape, host, client } = stage(body, [book], { mode });
    await expect(client.start({ text: '{' }, { id: 'a' })).rejects.toBeInstanceOf(SagaInputError);
    await host.startNew('reading', { instanceId: 'a', input: { text: '{' } });
    await host.run();
    expect((await statusOf(client, 'a')).failure).toMatchObject({ kind: 'validation', code: 'invalidInput' });
    expect(tape.calls).toEqual([]);
    await client.start({}, { id: 'b' });
    await host.run();
    expect(await client.get('b').raise('note', '{')).toMatchObject({ accepted: false, code: 'invalid' });
  });

  it('has said so of the input of a step: surely nothing happened', async () => {
    const strict = activity({
      name: 'strict',
      input: z.object({ text: parsedText }),
      run:
        ({ tape }: TapePorts) =>
        async (_given, step) =>
          tape.play('strict', step),
      undo:
        ({ tape }: TapePorts) =>
        async (_done, step) =>
          tape.play('strict_undo', step),
    });
    const trying = saga({ name: 'trying', version: '1', input }, function* (saga) {
      yield* saga.step(strict, { text: '{' });
    });
    const { tape, host, client } = stage(trying, [strict], { mode });
    await client.start({}, { id: 'a' });
    await host.run();
    expect(tape.calls).toEqual([]);
    expect((await statusOf(client, 'a')).outcome).toMatchObject({
      outcome: 'compensated',
      failure: { kind: 'validation', effect: 'none' },
    });
  });
});

describe.each(MODES)("an operator's output for a skipped step, run by %s", (mode) => {
  it('is what the schema makes of it, as the output of the activity is', async () => {
    const count = activity({
      name: 'count',
      input,
      output: z.object({ n: z.number().default(7) }),
      retry: { attempts: 1 },
      run:
        ({ tape }: TapePorts) =>
        async (_given, step) => {
          tape.play('count', step);
          return {};
        },
    });
    const body = saga({ name: 'counting', version: '1', input, output: z.number() }, function* (saga) {
      yield* saga.pivot(pay, { n: 1 });
      return (yield* saga.call(count, {})).n;
    });
    const { tape, host, client } = stage(body, [pay, count], { mode });
    tape.script('count', failing(1));
    await client.start({}, { id: 'a' });
    await host.run();
    await client.get('a').resolve({ action: 'skip', output: {} });
    await host.run();
    expect((await statusOf(client, 'a')).outcome).toEqual({ outcome: 'completed', result: 7 });
  });
});
