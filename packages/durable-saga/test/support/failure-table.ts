import type { Registration, Saga, SagaStatus } from '../../src';
import type { SagaPath } from '../../src/diagram';
import { tracePath } from '../../src/diagram';
import { toMilliseconds } from '../../src/definition/duration';
import { walk } from '../../src/diagram/trace';
import type { Strand } from '../../src/diagram/watch-body';
import { hostFunctionsOf } from '../../src/testing/host-functions';
import { SimulatedHost } from '../../src/testing/simulated-host';
import { MODES } from '../../src/testing/turns';
import type { Mode } from '../../src/testing/turns';
import type { Aftermath, Trouble } from './failure-troubles';
import { aftermathsOf, cancelsOf, troublesOf } from './failure-troubles';
import type { Books, Expected } from './failure-oracle';
import { addUp, expectEnd } from './failure-oracle';
import { WatchedAttempts } from './watched-attempts';

/*
 * Every step of a saga, in every way it can fail, each with undos that work, stumble or fail for good: the product of
 * them all, computed. The steps are those of the saga's paths; where an attempt can break off is found by watching which
 * ports it calls; and what a call of a port changes is taken from a run in which nothing fails. From that, and from the
 * step's role alone, `failure-oracle.ts` says how it must end and what the books must then show.
 *
 * A group whose members are more than may run at once is not for this table: which of them have begun when one fails
 * depends on how long that takes.
 */

export interface World<Ports extends object> {
  readonly ports: Ports;
  /** What there is of everything, by name; what an undo takes back must be zero again. */
  readonly books: () => Books | Promise<Books>;
  /** Whatever else must be right at the end. */
  readonly check?: (run: { readonly outcome: Expected['outcome'] | undefined }) => void | Promise<void>;
}

export interface FailureTable<Ports extends object, Input> {
  readonly saga: Saga<never, unknown>;
  readonly instanceId: string;
  /** Those that complete are used; a step is tried on the first path that has it. */
  readonly paths: readonly SagaPath<Input>[];
  /** The saga and its activities over the ports, as the app registers them. */
  readonly registration: (ports: Ports) => Registration<Ports>;
  readonly createWorld: (path: SagaPath<Input>) => World<Ports> | Promise<World<Ports>>;
  /** Steps before the pivot whose failure the body catches to go on. */
  readonly tolerated?: readonly string[];
}

/** What a step is to the saga: with an undo, without, the point of no return, after that, the very end. */
export type Role = 'compensatable' | 'call' | 'pivot' | 'forward' | 'settled';

export interface TableStep {
  readonly name: string;
  readonly key: string;
  readonly role: Role;
  readonly isTolerated: boolean;
  /** Milliseconds. */
  readonly timeout: number | undefined;
  /** Keys of the steps in other members of the groups that it is in: they go on while it waits for an operator. */
  readonly beside: ReadonlySet<string>;
}

/** A path's run in which nothing fails and every activity takes `SLOW`. */
export interface Baseline {
  readonly steps: readonly TableStep[];
  readonly initial: Books;
  /** By key: what each call that the step makes of a port changes, in their order. */
  readonly changes: ReadonlyMap<string, readonly Books[]>;
  /** By key: when the step begins, in milliseconds after the start. */
  readonly begins: ReadonlyMap<string, number>;
}

/** Milliseconds; for a machine that is busy otherwise. */
const LONGEST = 180_000;

/** Milliseconds that each activity takes where times matter. */
export const SLOW = 1_000;

/** Declares tests that the saga does on each path, over the real activities, what the path's script says. */
export function testPaths<Ports extends object, Input>(table: FailureTable<Ports, Input>): void {
  describe.each(MODES)('by %s', (mode) => {
    it.each(table.paths.map((path) => [path.title, path] as const))('%s', async (_title, path) => {
      const { world, host } = await begin(table, path, mode, undefined);
      await host.run();
      const { calls, outcome } = tracePath(table.saga, path, { instanceId: table.instanceId });
      expect(host.attempts.map(({ name, key }) => [name, key])).toEqual(
        calls.map(({ activity, key }) => [activity, key]),
      );
      expect(host.instance(table.instanceId).output).toEqual(outcome);
      expect(outcome?.outcome).toBe(path.ends);
      await world.check?.({ outcome: path.ends });
    });
  });
}

/** Declares the tests of the table. */
export function testEveryFailure<Ports extends object, Input>(table: FailureTable<Ports, Input>): void {
  const tried = new Set<string>();
  for (const path of table.paths.filter(({ ends }) => ends === 'completed')) {
    const steps = stepsOf(table, path);
    const fresh = steps.filter(({ name, key }) => !tried.has(`${name} ${key}`));
    for (const { name, key } of fresh) tried.add(`${name} ${key}`);
    if (fresh.length === 0) continue;
    describe(`on the path '${path.title}'`, () => {
      let baseline: Baseline;
      beforeAll(async () => {
        baseline = await runBaseline(table, path, steps);
      });
      describe.each(fresh.map((step) => [step.key.slice(table.instanceId.length + 1), step] as const))(
        '%s',
        (_title, step) => {
          it.each(troublesOf(step))(
            '$title',
            async ({ make }) => {
              for (const [number, trouble] of make(baseline.changes.get(step.key)?.length ?? 0).entries()) {
                await runRows(table, path, baseline, step, trouble, number);
              }
            },
            LONGEST,
          );
          it(
            'is cancelled at every moment around it',
            async () => {
              for (const [number, trouble] of cancelsOf(step, baseline).entries()) {
                await runRows(table, path, baseline, step, trouble, number);
              }
            },
            LONGEST,
          );
        },
      );
    });
  }
}

/** The steps of a path in the order in which they begin, and the activity that is told of the end. */
export function stepsOf(
  { saga, instanceId, tolerated = [] }: Pick<FailureTable<never, unknown>, 'saga' | 'instanceId' | 'tolerated'>,
  path: SagaPath<unknown>,
): TableStep[] {
  const trace = tracePath(saga, path, { instanceId });
  const beside = besideOf(trace.body);
  const kinds = new Map([...walk(trace.body)].map(({ key, place }) => [key, place]));
  const activities = new Map([...walk(trace.body)].map(({ activity }) => [activity?.name, activity]));
  let role: Role = 'call';
  return trace.calls.map(({ activity: name, key }): TableStep => {
    const place = kinds.get(key);
    const common = { name, key, isTolerated: tolerated.includes(name), beside: beside.get(key) ?? new Set<string>() };
    if (place === undefined) return { ...common, role: 'settled', timeout: saga.settled?.timeout };
    if (role === 'pivot') role = 'forward';
    if (role !== 'forward')
      role = place.kind === 'pivot' ? 'pivot' : place.undoName === undefined ? 'call' : 'compensatable';
    return { ...common, role, timeout: activities.get(name)?.timeout };
  });
}

function besideOf({ passages }: Strand, outer: ReadonlySet<string> = new Set()): Map<string, ReadonlySet<string>> {
  const found = new Map<string, ReadonlySet<string>>();
  for (const { key, members } of passages) {
    if (key !== undefined) found.set(key, outer);
    for (const member of members) {
      const others = members.filter((other) => other !== member).flatMap((other) => [...walk(other)]);
      const keys = others.flatMap((other) => (other.key === undefined ? [] : [other.key]));
      for (const [own, beside] of besideOf(member, new Set([...outer, ...keys]))) found.set(own, beside);
    }
  }
  return found;
}

interface Begun<Ports extends object> {
  readonly world: World<Ports>;
  readonly watched: WatchedAttempts;
  readonly host: SimulatedHost;
}

async function begin<Ports extends object, Input>(
  table: FailureTable<Ports, Input>,
  path: SagaPath<Input>,
  mode: Mode,
  treat: Trouble['treat'],
): Promise<Begun<Ports>> {
  const world = await table.createWorld(path);
  const watched = new WatchedAttempts();
  const functions = hostFunctionsOf(table.registration(watched.wrap(world.ports)));
  const host = new SimulatedHost({
    functions: watched.wrapFunctions(functions),
    mode,
    treat: (attempt) => treat?.(attempt),
  });
  const input = { $saga: { version: table.saga.version }, input: path.input };
  await host.startNew(table.saga.name, { instanceId: table.instanceId, input });
  for (const { after, event, payload } of path.events ?? []) {
    await host.raiseAt(host.now + toMilliseconds(after, `event '${event}'`), table.instanceId, event, payload);
  }
  return { world, watched, host };
}

async function runBaseline<Ports extends object, Input>(
  table: FailureTable<Ports, Input>,
  path: SagaPath<Input>,
  steps: readonly TableStep[],
): Promise<Baseline> {
  const { world, watched, host } = await begin(table, path, 'replay', () => ({ delay: SLOW }));
  const startedAt = host.now;
  const initial = await world.books();
  const changes = new Map<string, Books[]>();
  let before = initial;
  watched.onEffect = ({ key }) => {
    const note = (now: Books): void => {
      changes.set(key, [...(changes.get(key) ?? []), addUp(now, before, -1)]);
      before = now;
    };
    const books = world.books();
    if (books instanceof Promise) return books.then(note);
    note(books);
    return undefined;
  };
  await host.run();
  expect(host.instance(table.instanceId).output).toMatchObject({ outcome: 'completed' });
  const begins = new Map(host.attempts.map(({ key, at }) => [key, at - startedAt]));
  // What was found by playing the path must be what the saga does.
  expect(host.attempts.map(({ name, key }) => ({ name, key }))).toEqual(steps.map(({ name, key }) => ({ name, key })));
  return { steps, initial, changes, begins };
}

/** The rows take turns at them. With `verifyOnce` a run costs no more than a multiple of its length. */
const ROW_MODES: readonly Mode[] = ['verifyOnce', 'azure'];

/**
 * One trouble with all that can follow it. Each step meets each of the ways to run a saga many times, but those of which
 * each turn costs a whole replay not in its long rows.
 */
async function runRows<Ports extends object, Input>(
  table: FailureTable<Ports, Input>,
  path: SagaPath<Input>,
  baseline: Baseline,
  step: TableStep,
  trouble: Trouble,
  number: number,
): Promise<void> {
  for (const [index, aftermath] of aftermathsOf(step, trouble, baseline).entries()) {
    const mode = trouble.isLong ? 'verifyOnce' : (ROW_MODES[(index + number) % ROW_MODES.length] ?? 'azure');
    await runRow(table, path, baseline, step, trouble, aftermath, mode);
  }
}

async function runRow<Ports extends object, Input>(
  table: FailureTable<Ports, Input>,
  path: SagaPath<Input>,
  baseline: Baseline,
  step: TableStep,
  trouble: Trouble,
  aftermath: Aftermath,
  mode: Mode,
): Promise<void> {
  const { world, watched, host } = await begin(table, path, mode, (attempt) =>
    attempt.name.endsWith('_undo') ? aftermath.treat?.(attempt) : trouble.treat?.(attempt),
  );
  watched.fault = (call, when) =>
    call.activity.endsWith('_undo') ? aftermath.fault?.(call, when) : trouble.fault?.(call, when);
  await trouble.meanwhile?.(host, table.instanceId);
  const status = await runToEnd(host, table.instanceId, watched, aftermath);
  const expected = expectEnd(step, trouble, aftermath, baseline);
  const row = `${step.key} ${trouble.title}; ${aftermath.title}; ${mode}`;
  expect({
    row,
    outcome: status.state,
    books: await world.books(),
    isCompleted: host.instance(table.instanceId).isCompleted,
    openTimers: host.instance(table.instanceId).openTimers,
    cancel: status.cancel,
  }).toEqual({ row, ...expected, isCompleted: true, openTimers: 0 });
  await world.check?.(expected);
}

/** Runs to the end. An operator decides about what parks, and does by hand what is skipped. */
async function runToEnd(
  host: SimulatedHost,
  id: string,
  watched: WatchedAttempts,
  { decision }: Aftermath,
): Promise<SagaStatus> {
  for (let parkings = 0; parkings < 20; parkings += 1) {
    await host.run();
    const status = host.instance(id).status as SagaStatus;
    const { parked } = status;
    if (status.state !== 'parked' || parked === undefined) return status;
    const { name, key, number } = parked;
    const output = decision === 'skip' ? await watched.doByHand(name, key) : undefined;
    await host.raiseEvent(id, 'retry', { action: decision, step: key, number, output });
  }
  throw new Error(`${id} parked again and again`);
}
