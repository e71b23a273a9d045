import { z } from 'zod';
import { saga, StepFailure } from '../../src';
import type { Saga, SagaContext } from '../../src';
import { chartOf, toMermaid } from '../../src/diagram';
import type { SagaPath } from '../../src/diagram';
import { taped, tapedOneWay } from '../support/tape';

const [book, hire, pack] = [taped('book'), taped('hire'), taped('pack')];
const [pay, tell] = [tapedOneWay('pay'), tapedOneWay('tell')];
const one = { n: 1 };

type Body = (saga: SagaContext<{ ok: z.ZodBoolean }>, n: number) => Generator<never, void, unknown>;

function tripOf(body: Body): Saga<number, void> {
  const options = { name: 'trip', version: '1', input: z.number(), events: { ok: z.boolean() } };
  return saga(options, body as never);
}

const path = (over: Partial<SagaPath<number>> = {}): SagaPath<number> => ({
  title: 'a way',
  input: 1,
  ends: 'completed',
  ...over,
});

/** The lines between the nodes, without arrows' styles: `from -> to: label`. */
function edgesOf(body: Body, paths: readonly SagaPath<number>[] = [path()], notes = {}): string[] {
  return chartOf(tripOf(body), paths, { notes }).edges.map(
    ({ from, to, label, style }) => `${from} ${style === 'way' ? '->' : '~>'} ${to}${label === '' ? '' : `: ${label}`}`,
  );
}

describe('a chart', () => {
  it('shows steps, their undos in reverse, the pivot, and what parks after it', () => {
    const edges = edgesOf(function* (saga) {
      yield* saga.step(book, one);
      yield* saga.step(hire, one);
      yield* saga.pivot(pay, one);
      yield* saga.call(tell, one);
    } as Body);
    expect(edges).toEqual([
      'start -> book',
      'book -> hire',
      'hire -> pay',
      'pay -> tell',
      'tell -> completed',
      'book ~> book_undo: fails',
      'book_undo ~> compensated',
      'hire ~> hire_undo: fails',
      'hire_undo ~> book_undo',
      'pay ~> parked: unknown',
      'parked ~> compensationFailed: given up',
      'pay ~> hire_undo: refused',
      'tell ~> parked',
    ]);
  });

  it('shows a step once that is done in each round of a loop', () => {
    const edges = edgesOf(
      function* (saga, n) {
        for (let round = 0; round < n; round += 1) yield* saga.step(book, one);
        yield* saga.call(tell, one);
      } as Body,
      [path({ input: 3 })],
      { book: 'more', tell: 'all' },
    );
    expect(edges).toEqual(
      expect.arrayContaining(['start -> book', 'book -> book: more', 'book -> tell: all', 'book_undo ~> compensated']),
    );
    expect(edges.filter((edge) => edge.startsWith('book_undo'))).toHaveLength(1);
  });

  it('shows two places that do the same as two', () => {
    const edges = edgesOf(function* (saga) {
      yield* saga.call(tell, one);
      yield* saga.call(tell, one);
    } as Body);
    expect(edges.slice(0, 3)).toEqual(['start -> tell', 'tell -> tell_2', 'tell_2 -> completed']);
  });

  it('shows what is refused for sure without its undo, and what a body goes on from', () => {
    const refusal = new StepFailure({ code: 'sold', message: 'sold out', effect: 'none' });
    const body = function* (saga) {
      yield* saga.step(book, one);
      try {
        yield* saga.step(hire, one);
      } catch {
        yield* saga.call(tell, one);
      }
    } as Body;
    const edges = edgesOf(body, [path(), path({ answers: { hire: [refusal] } })]);
    expect(edges).toContain('hire ~> tell: sold, fails');
    expect(edges).toContain('tell ~> book_undo: fails');
  });

  it('shows how a wait ends', () => {
    const body = function* (saga) {
      const ok = yield* saga.waitFor('ok', { timeout: '36 hours' });
      if (ok === undefined) return yield* saga.fail({ code: 'silence', message: 'nobody answered' });
      yield* saga.sleep('5 minutes');
    } as Body;
    const event = { after: '1 hour', event: 'ok', payload: true } as const;
    const paths = [path({ events: [event] }), path({ ends: 'compensated' })];
    expect(edgesOf(body, paths)).toEqual([
      'start -> waitFor_ok',
      'waitFor_ok -> sleep: comes',
      'sleep -> completed',
      'waitFor_ok -> fail_silence: not in time',
      'fail_silence ~> compensated',
    ]);
    const drawn = toMermaid(chartOf(tripOf(body), paths));
    expect(drawn).toContain('wait for ok<br/>at most 1 day 12 hours');
    expect(drawn).toContain('sleep 5 minutes');
  });

  it('shows branches side by side, each with its own order, and their undos', () => {
    const body = function* (saga) {
      yield* saga.all(
        [
          function* () {
            yield* saga.step(book, one);
            yield* saga.step(hire, one);
          },
          saga.step(pack, one),
        ],
        { concurrency: 2 },
      );
      return yield* saga.fail({ code: 'no', message: 'no' });
    } as Body;
    const chart = chartOf(tripOf(body), [path({ ends: 'compensated' })]);
    const inside = chart.nodes.filter(({ group }) => group === 'all').map(({ id }) => id);
    expect(inside.sort()).toEqual(['book', 'hire', 'pack']);
    const edges = chart.edges.map(({ from, to }) => `${from} ${to}`);
    expect(edges).toEqual(expect.arrayContaining(['start all', 'book hire', 'all fail_no', 'fail_no hire_undo']));
    expect(edges).toEqual(expect.arrayContaining(['fail_no pack_undo', 'hire_undo book_undo']));
    expect(toMermaid(chart)).toContain('subgraph all["side by side, 2 at a time"]');
  });

  it('shows a race, who wins it, and what the losers give back', () => {
    const body = function* (saga) {
      const { winner } = yield* saga.race({
        quick: saga.step(book, one),
        *slow() {
          yield* saga.step(hire, one);
          yield* saga.step(pack, one);
        },
      });
      if (winner === 'quick') yield* saga.call(tell, one);
    } as Body;
    const chart = chartOf(tripOf(body), [path()]);
    expect(chart.edges).toContainEqual({ from: 'race', to: 'tell', label: 'quick', style: 'way' });
    expect(chart.edges).toContainEqual({ from: 'hire', to: 'hire_undo', label: 'given back', style: 'undo' });
    expect(toMermaid(chart)).toContain('subgraph race["race: the first one wins"]');
  });

  it('shows what is done for each of several as one', () => {
    const body = function* (saga) {
      yield* saga.map([1, 2, 3], (n) => saga.step(book, { n }, { key: String(n) }), { concurrency: 2 });
    } as Body;
    const drawn = toMermaid(chartOf(tripOf(body), [path()]));
    expect(drawn).toContain('book["book<br/>for each, 2 at a time"]:::undoable');
    expect(drawn).toContain('book_undo("book_undo, each"):::undo');
    expect(drawn).not.toContain('subgraph');
  });

  it('shows a child saga as one step, with the undos that it hands over', () => {
    const child = tripOf(function* (saga) {
      yield* saga.step(book, one);
    } as Body);
    const parent = saga({ name: 'journey', version: '1', input: z.number() }, function* (saga) {
      yield* saga.child(child, 1);
      return yield* saga.fail({ code: 'no', message: 'no' });
    });
    const chart = chartOf(parent, [path({ ends: 'compensated' })]);
    expect(chart.edges.map(({ from, to }) => `${from} ${to}`)).toEqual(
      expect.arrayContaining(['start child_trip', 'child_trip fail_no', 'fail_no book_undo', 'book_undo compensated']),
    );
    expect(toMermaid(chart)).toContain('child_trip[["trip"]]');
  });

  it('shows a saga that goes on with a new history, with the undos that it takes along', () => {
    const long = saga({ name: 'long', version: '1', input: z.number() }, function* (saga, n) {
      yield* saga.step(book, { n });
      if (n > 1) return yield* saga.continueAs(n - 1);
      return yield* saga.fail({ code: 'no', message: 'no' });
    });
    const chart = chartOf(long, [path({ input: 3, ends: 'compensated' })]);
    expect(chart.edges.map(({ from, to }) => `${from} ${to}`)).toEqual(
      expect.arrayContaining(['start book', 'book continueAs', 'continueAs book', 'fail_no book_undo']),
    );
  });

  it('does not depend on how often it is made, and refuses a path that ends otherwise', () => {
    const body = function* (saga) {
      yield* saga.step(book, one);
    } as Body;
    expect(edgesOf(body)).toEqual(edgesOf(body));
    expect(() => edgesOf(body, [path({ title: 'gone wrong', ends: 'compensated' })])).toThrow(
      "saga 'trip', path 'gone wrong': expected it to end compensated, it is completed",
    );
  });
});
