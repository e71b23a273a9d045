import { z } from 'zod';
import { activity, parkNoticeSchema, registerSagas, saga, settlementSchema } from '../src';
import { captureFunctions } from './support/functions-core';
import { stage, Tape, taped } from './support/tape';

const book = taped('book');
const input = z.object({});

describe('registerSagas', () => {
  it('refuses a name that is given twice, whatever its case', () => {
    const again = taped('Book');
    expect(() => stage(emptySaga('order'), [book, again])).toThrow("the name 'Book' is registered twice");
    expect(() => stage(emptySaga('book_undo'), [book])).toThrow("the name 'book_undo' is registered twice");
  });

  it('refuses a settled activity that is not listed', () => {
    const settle = activity({ name: 'settle', input: settlementSchema, run: () => async () => undefined });
    const order = saga({ name: 'order', version: '1', input, settled: settle }, function* () {
      yield* [];
    });
    expect(() => stage(order, [book])).toThrow(
      "saga 'order': its settled activity 'settle' is not among the activities",
    );
  });

  it('refuses a parked activity that is not listed', () => {
    const show = activity({ name: 'show', input: parkNoticeSchema, run: () => async () => undefined });
    const order = saga({ name: 'order', version: '1', input, parked: show }, function* () {
      yield* [];
    });
    expect(() => stage(order, [book])).toThrow("saga 'order': its parked activity 'show' is not among the activities");
  });

  it('gives the durable client to activities that use it', async () => {
    const clients: unknown[] = [];
    const asks = activity({
      name: 'asks',
      input,
      usesClient: true,
      run: () => async (_input, step) => {
        clients.push(step.client);
      },
    });
    const functions = captureFunctions(() => {
      registerSagas({ ports: {}, sagas: [], activities: [asks] });
    });
    const registered = functions.get('asks')!;
    const binding = Object.entries(registered.bindings).find(([, { type }]) => type === 'durableClient')!;
    expect(binding).toBeDefined();
    const clientInput = { type: 'durableClient', name: binding[0] };
    const data = { taskHubName: 'hub', creationUrls: {}, managementUrls: {}, rpcBaseUrl: 'http://127.0.0.1:1/' };
    const context = {
      log: () => undefined,
      options: { extraInputs: [clientInput] },
      extraInputs: new Map([[clientInput, data]]),
    };
    const call = { $step: { key: 'a/asks#1', instanceId: 'a', attempt: 1 }, input: {} };
    expect(await registered.callback(call, context)).toMatchObject({ ok: true });
    expect(clients).toEqual([expect.objectContaining({ startNew: expect.any(Function) })]);
  });

  it('tells an activity its key, its instance and its attempt, and lets it log', async () => {
    const seen: unknown[] = [];
    const looks = activity({
      name: 'looks',
      input,
      timeout: '1 minute',
      run:
        () =>
        async (_input, { key, instanceId, attempt, signal, log }) => {
          seen.push({ key, instanceId, attempt, aborted: signal.aborted });
          log('hello', 7);
        },
    });
    const order = saga({ name: 'order', version: '1', input }, function* (saga) {
      yield* saga.step(looks, {});
      yield* saga.step(looks, {}, { key: 'mine' });
      yield* saga.step(looks, {});
    });
    const { host, client } = stage(order, [looks]);
    await client.start({}, { id: 'a' });
    await host.run();
    expect(seen).toEqual(
      ['a/looks#1', 'a/looks#mine', 'a/looks#2'].map((key) => ({ key, instanceId: 'a', attempt: 1, aborted: false })),
    );
    expect(host.logs.map(({ text }) => text)).toEqual(
      ['a/looks#1', 'a/looks#mine', 'a/looks#2'].map((key) => `hello 7 [step=${key} attempt=1]`),
    );
  });

  it('aborts the signal of an attempt that takes longer than its timeout', async () => {
    const slow = activity({
      name: 'slow',
      input,
      timeout: 5,
      run:
        () =>
        (_input, { signal }) =>
          new Promise<void>((resolve) => {
            signal.addEventListener('abort', () => resolve());
          }),
    });
    const functions = captureFunctions(() => {
      registerSagas({ ports: {}, sagas: [], activities: [slow] });
    });
    const call = { $step: { key: 'k', instanceId: 'a', attempt: 1, timeout: 5 }, input: {} };
    expect(await functions.get('slow')!.callback(call, { log: () => undefined })).toMatchObject({ ok: true });
  });

  it('tells whoever calls an activity without a saga how it is called', async () => {
    const functions = captureFunctions(() => {
      registerSagas({ ports: { tape: new Tape() }, sagas: [], activities: [book] });
    });
    await expect(functions.get('book')!.callback({ n: 1 }, { log: () => undefined })).rejects.toThrow(
      "activity 'book': expected a call made by a saga ({ $step, input }); call it through saga.step",
    );
  });
});

describe('definitions', () => {
  it.each(['', '1st', 'with space', 'a-b', 'ä'])('refuse the name %j', (name) => {
    expect(() => taped(name)).toThrow('expected a name of letters, digits and underscores that starts with a letter');
    expect(() => emptySaga(name)).toThrow(`saga '${name}': expected a name`);
  });

  it.each(['cancel', 'retry', 'Cancel'])("refuse the event %s, which is the toolkit's own", (event) => {
    const define = () =>
      saga({ name: 'order', version: '1', input, events: { [event]: input } }, function* () {
        yield* [];
      });
    expect(define).toThrow(`the event '${event}' is the toolkit's own`);
  });

  it('refuse a timeout that is no duration', () => {
    expect(() => taped('slow', { timeout: 'soon' as never })).toThrow(
      `activity 'slow': timeout: expected a duration such as 1500 (milliseconds), '30 seconds' or '12 hours', got "soon"`,
    );
  });
});

function emptySaga(name: string) {
  return saga({ name, version: '1', input }, function* () {
    yield* [];
  });
}
