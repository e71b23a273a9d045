import type { StandardSchemaV1 } from '@standard-schema/spec';
import { z } from 'zod';
import { activity, claiming, saga } from '../src';
import type { SagaObserver } from '../src';
import { stampEvent } from '../src/definition/many-events';
import { parseWith } from '../src/definition/schema';
import { createMemoryPayloads } from '../src/memory';
import { createSagaHost } from '../src/testing';
import { EventType } from '../src/testing/history';

/*
 * The trace in the payload of an event that comes once, which readers that don't know of it must take all the same.
 */

const TRACE = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
const OTHER = `00-${'c'.repeat(32)}-${'d'.repeat(16)}-00`;

const note = activity({ name: 'note', input: z.object({ said: z.unknown() }), run: () => async () => undefined });

/** Everything is sent from `trace`; notes the causes of attempts. */
function noteCauses(trace: string) {
  const causes: (readonly string[])[] = [];
  const observer: SagaObserver = {
    async attempt(attempt, run) {
      causes.push(attempt.causes);
      await run();
    },
    contact: () => trace,
  };
  return { causes, observer };
}

/** A saga that waits for an answer of the schema, and its host: everything is sent from `TRACE`, and causes of attempts are noted. */
function waitingFor(answer: StandardSchemaV1, trace = TRACE) {
  const waits = saga(
    { name: 'waits', version: '1', input: z.object({}), output: z.unknown(), events: { answer } },
    function* (saga) {
      const said = yield* saga.waitFor('answer');
      yield* saga.call(note, { said });
      return said;
    },
  );
  const { causes, observer } = noteCauses(trace);
  const claimCheck = { store: createMemoryPayloads(), above: 100, limit: 500 };
  const host = createSagaHost({
    sagas: [waits],
    activities: [note],
    ports: {},
    observer,
    claimCheck,
    mode: 'verify',
  });
  const start = () => host.start(waits, {}, { id: 'a' });
  return {
    host,
    causes,
    start,
    /** Raises by the typed client; what stands in the history then, what the saga took, and the causes of its attempt. */
    async afterRaise(payload: unknown) {
      const handle = await start();
      const answered = await handle.raise('answer', payload);
      expect(answered).toEqual({ accepted: true, confirmed: true });
      await host.run();
      return { came: this.came()[0], result: await this.result(), causes: causes[0] };
    },
    came: () =>
      host.durable
        .instance('a')
        .history.filter(({ EventType: type }) => type === EventType.eventRaised)
        .map((event): unknown => JSON.parse(String(event['Input']))),
    async result() {
      const end = await host.result(waits, 'a');
      return end.outcome === 'completed' ? end.result : end;
    },
  };
}

/** What the inbox of builds from before the key made of an event that comes once. */
const readAsBefore = (schema: StandardSchemaV1, raw: unknown) => parseWith(schema, raw);

describe('an event that comes once', () => {
  const lenient = z.object({ by: z.string() });

  it('carries its trace where a reader that knows nothing of it takes the same payload', async () => {
    const { came, result, causes } = await waitingFor(lenient).afterRaise({ by: 'Ann' });
    expect(came).toEqual({ by: 'Ann', $traceparent: TRACE });
    expect(readAsBefore(lenient, came)).toEqual({ ok: true, value: { by: 'Ann' } });
    expect([result, causes]).toEqual([{ by: 'Ann' }, [TRACE]]);
  });

  it('carries it beside claims', async () => {
    const claimed = claiming(z.object({ by: z.string() }), { pdf: z.string() });
    const { came, result, causes } = await waitingFor(claimed).afterRaise({ by: 'Ann', pdf: 'x'.repeat(200) });
    const claim = { $claim: { sha256: expect.any(String) as string, bytes: 202 } };
    expect(came).toEqual({ by: 'Ann', pdf: claim, $traceparent: TRACE });
    expect(readAsBefore(claimed, came)).toEqual({ ok: true, value: { by: 'Ann', pdf: claim } });
    expect([result, causes]).toEqual([{ by: 'Ann', pdf: claim }, [TRACE]]);
  });

  it.each<[string, StandardSchemaV1, unknown]>([
    ['that its schema would refuse with it', z.strictObject({ by: z.string() }), { by: 'Ann' }],
    ['that its schema would keep it in', z.looseObject({ by: z.string() }), { by: 'Ann' }],
    ['that may have any key', z.record(z.string(), z.string()), { by: 'Ann' }],
    ['that is unknown', z.unknown(), { by: 'Ann' }],
    ['that is a text', z.string(), 'Ann'],
    ['that is a number', z.number(), 0],
    ['that is null', z.null(), null],
    ['that is a list', z.array(z.string()), ['Ann']],
    ['that has its own way to be JSON', z.unknown(), new URL('http://localhost/')],
    ['that is as large as it may be', z.object({ by: z.string() }), { by: 'x'.repeat(480) }],
  ])('carries none in a payload %s', async (_, schema, payload) => {
    const { came, result, causes } = await waitingFor(schema).afterRaise(payload);
    const asJson: unknown = JSON.parse(JSON.stringify(payload));
    expect([came, result, causes]).toEqual([asJson, asJson, []]);
  });

  it('carries no trace that nobody could read', async () => {
    const { came, causes } = await waitingFor(lenient, 'somewhere').afterRaise({ by: 'Ann' });
    expect([came, causes]).toEqual([{ by: 'Ann' }, []]);
  });
});

describe('what reads an event that comes once', () => {
  const strict = z.strictObject({ by: z.string() });

  it.each<[string, unknown, unknown, string[]]>([
    ['the trace of whoever raised it raw', { by: 'Ann', $traceparent: OTHER }, { by: 'Ann' }, [OTHER]],
    ['what an earlier build wrapped', stampEvent({ trace: OTHER }, { by: 'Ann' }), { by: 'Ann' }, [OTHER]],
    ['nothing, where there is nothing', { by: 'Ann' }, { by: 'Ann' }, []],
  ])('takes off %s before a strict schema sees it', async (_, raw, result, causes) => {
    const waiting = waitingFor(strict);
    await waiting.start();
    await waiting.host.durable.raiseEvent('a', 'answer', raw);
    await waiting.host.run();
    expect([await waiting.result(), waiting.causes[0]]).toEqual([result, causes]);
  });

  it.each([7, 'somewhere', `ff${TRACE.slice(2)}`, `00-${'0'.repeat(32)}-${'b'.repeat(16)}-01`])(
    "leaves a payload's own key where it says %p",
    async (own) => {
      const waiting = waitingFor(z.object({ $traceparent: z.unknown() }));
      await waiting.start();
      await waiting.host.durable.raiseEvent('a', 'answer', { $traceparent: own });
      await waiting.host.run();
      expect([await waiting.result(), waiting.causes[0]]).toEqual([{ $traceparent: own }, []]);
    },
  );

  it('keeps the place that the sender has named itself', async () => {
    const { came, result, causes } = await waitingFor(z.object({ by: z.string() })).afterRaise({
      by: 'Ann',
      $traceparent: OTHER,
    });
    expect([came, result, causes]).toEqual([{ by: 'Ann', $traceparent: OTHER }, { by: 'Ann' }, [OTHER]]);
  });

  it('finds it in the next history, too, when the event came before that began', async () => {
    const again = saga(
      {
        name: 'again',
        version: '1',
        input: z.object({ n: z.number() }),
        output: strict,
        events: { answer: z.object({ by: z.string() }) },
      },
      function* (saga, { n }) {
        yield* saga.sleep('1 hour');
        if (n === 0) return yield* saga.continueAs({ n: 1 });
        const said = yield* saga.waitFor('answer');
        yield* saga.call(note, { said });
        return said;
      },
    );
    const { causes, observer } = noteCauses(TRACE);
    const host = createSagaHost({ sagas: [again], activities: [note], ports: {}, observer, mode: 'verify' });
    const handle = await host.start(again, { n: 0 }, { id: 'a' });
    await handle.raise('answer', { by: 'Ann' });
    expect(await host.result(again, 'a')).toEqual({ outcome: 'completed', result: { by: 'Ann' } });
    expect(causes).toEqual([[TRACE]]);
    const [started] = host.durable
      .instance('a')
      .history.filter(({ EventType: type }) => type === EventType.executionStarted);
    expect(started).toMatchObject({ Input: expect.stringContaining('"$traceparent"') as string });
  });
});
