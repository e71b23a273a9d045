import type { Activity } from '../definition/activity';
import { toMilliseconds } from '../definition/duration';
import type { Duration } from '../definition/duration';
import type { Failure } from '../definition/failure';
import { SagaStepError } from '../definition/failure';
import type { DescribedOperation, OperationKind } from '../definition/operation';
import type { EventSchemas, Saga, SagaContext } from '../definition/saga';

/*
 * Watches a saga's body from outside while its runner runs it.
 *
 * What belongs together in several runs (and in several rounds of a loop) is told by the place in the code: the chain of
 * call sites from the body down to `saga.step(...)`. So two waits for one event are two places, the rounds of a loop are
 * one, and a helper that is used twice is drawn twice. The place is read from a stack trace; where in it the body begins
 * is told by the name of the function that drives it.
 *
 * Operations keep their identity and their class: what the body gets is an heir of the operation with another iterator,
 * so that a runner can't tell the difference. Generator functions that are handed over as branches are watched alike.
 */

/** What an operation at a place came to. `left` when the saga went on without telling the body. */
export type Passed =
  | { readonly kind: 'done'; readonly value: unknown }
  | { readonly kind: 'failed'; readonly failure: Failure }
  | { readonly kind: 'left' };

export interface Place {
  /** The place in the code; says nothing else, and differs from machine to machine. */
  readonly site: string;
  readonly kind: OperationKind;
  /** Of the activity, the event or the child saga; of a failure, its code; empty for what has no name. */
  readonly name: string;
  readonly undoName: string | undefined;
  /** Of a sleep or a wait: milliseconds. */
  readonly duration: number | undefined;
  /** Of a group: how many members may run at a time. */
  readonly concurrency: number | undefined;
}

/** One operation that a body came to, or that stands in a group. */
export interface Passage {
  readonly place: Place;
  /** Of a step. */
  readonly key: string | undefined;
  readonly activity: Activity<never, unknown, never> | undefined;
  /** Of a group: its members, each a line of passages; of one that is no branch the line has one passage. */
  readonly members: Strand[];
  passed: Passed;
}

/** What a body, or a branch of it, did in its order. */
export interface Strand {
  /** Of a member of a race. */
  readonly name: string | undefined;
  readonly passages: Passage[];
}

/** The saga, with its body watched: what it does is written to the strand that `begin` gives for each run. */
export function watchSaga(
  saga: Saga<never, unknown>,
  begin: () => Strand,
  met: (definition: Definition) => void,
): Saga<never, unknown> {
  return {
    ...saga,
    body: (context: SagaContext<EventSchemas>, input: unknown) => {
      const watch = new BodyWatch(met);
      return watch.drive(saga.body(watch.spyOn(context), input), begin());
    },
  };
}

type Definition = Activity<never, unknown, never> | Saga<never, unknown>;
type AnyOperation = DescribedOperation<unknown, OperationKind>;

class BodyWatch {
  readonly #met: (definition: Definition) => void;
  readonly #passages = new WeakMap<object, Passage>();
  /** Where what is reached now is written. */
  #strand: Strand = { name: undefined, passages: [] };
  /** The place of the group whose branch runs now. */
  #inside = '';

  constructor(met: (definition: Definition) => void) {
    this.#met = met;
  }

  spyOn(context: SagaContext<EventSchemas>): SagaContext<EventSchemas> {
    return new Proxy(context, {
      get: (target, property) => {
        const value: unknown = Reflect.get(target, property, target);
        if (typeof value !== 'function') return value;
        const spy = (...given: unknown[]): unknown => {
          if (isDefinition(given[0])) this.#met(given[0]);
          const site = `${this.#inside}/${readCallSite(spy)}`;
          const members: Strand[] = [];
          const result: unknown = value.apply(target, this.#watchBranches(given, site, members));
          return isOperation(result) ? this.#watchOperation(result, given, site, members) : result;
        };
        return spy;
      },
    });
  }

  /** The body's own generator, with what is reached in it written to the strand. */
  *drive(
    body: Generator<unknown, unknown, unknown>,
    strand: Strand,
    inside = '',
  ): Generator<unknown, unknown, unknown> {
    let resume: Resume = { value: undefined };
    for (;;) {
      const { done, value } = this.#within(strand, inside, () => driveWatchedBody(body, resume));
      if (done) return value;
      try {
        resume = { value: yield value };
      } catch (error) {
        resume = { error };
      }
    }
  }

  #within<T>(strand: Strand, inside: string, work: () => T): T {
    const before = { strand: this.#strand, inside: this.#inside };
    this.#strand = strand;
    this.#inside = inside;
    try {
      return work();
    } finally {
      this.#strand = before.strand;
      this.#inside = before.inside;
    }
  }

  #watchOperation(operation: AnyOperation, given: readonly unknown[], site: string, members: Strand[]): AnyOperation {
    const passage: Passage = {
      place: describePlace(operation, given, site),
      ...readStep(operation),
      members,
      passed: { kind: 'left' },
    };
    const reach = (): void => void this.#strand.passages.push(passage);
    const watched = Object.create(operation, {
      [Symbol.iterator]: {
        *value() {
          reach();
          try {
            const value: unknown = yield* operation;
            passage.passed = { kind: 'done', value };
            return value;
          } catch (error) {
            if (error instanceof SagaStepError) passage.passed = { kind: 'failed', failure: error.failure };
            throw error;
          }
        },
      },
    }) as AnyOperation;
    this.#passages.set(watched, passage);
    return watched;
  }

  /** The arguments of an operation, with the branches and mappers among them watched, and its members noted. */
  #watchBranches(given: readonly unknown[], site: string, members: Strand[]): unknown[] {
    return given.map((one) => {
      if (Array.isArray(one)) return one.map((member: unknown) => this.#watchMember(member, undefined, site, members));
      if (typeof one === 'function') return this.#watchMember(one, undefined, site, members);
      if (!isRecordOfMembers(one)) return one;
      return Object.fromEntries(
        Object.entries(one).map(([name, member]) => [name, this.#watchMember(member, name, site, members)]),
      );
    });
  }

  #watchMember(member: unknown, name: string | undefined, site: string, members: Strand[]): unknown {
    if (typeof member === 'function') return this.#watchFunction(member as Callable, name, site, members);
    this.#addMember(member, name, members);
    return member;
  }

  /** A branch or a mapper: gives a generator, which is a branch, or a member. */
  #watchFunction(own: Callable, name: string | undefined, site: string, members: Strand[]): Callable {
    return (...given) => {
      const result = this.#within(this.#strand, site, () => askWatchedFunction(own, given));
      if (!isGenerator(result)) {
        this.#addMember(result, name, members);
        return result;
      }
      const strand: Strand = { name, passages: [] };
      members.push(strand);
      return this.drive(result, strand, `${site}>${String(name)}`);
    };
  }

  #addMember(member: unknown, name: string | undefined, members: Strand[]): void {
    const passage = typeof member === 'object' && member !== null ? this.#passages.get(member) : undefined;
    if (passage !== undefined) members.push({ name, passages: [passage] });
  }
}

type Callable = (...given: unknown[]) => unknown;
type Resume = { readonly value: unknown } | { readonly error: unknown };

// The names of these two mark in stack traces where the author's code begins.

function driveWatchedBody(
  body: Generator<unknown, unknown, unknown>,
  resume: Resume,
): IteratorResult<unknown, unknown> {
  return 'error' in resume ? body.throw(resume.error) : body.next(resume.value);
}

function askWatchedFunction(own: Callable, given: readonly unknown[]): unknown {
  return own(...given);
}

const MARKS = [driveWatchedBody.name, askWatchedFunction.name];
const MOST_FRAMES = 60;

/** The chain of call sites from the body to whoever called `callee`, as the engine has it: no source maps are asked. */
function readCallSite(callee: (...given: unknown[]) => unknown): string {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- it is put back as it was, not called
  const { prepareStackTrace, stackTraceLimit } = Error;
  const trace: { stack?: unknown } = {};
  Error.stackTraceLimit = MOST_FRAMES;
  Error.prepareStackTrace = (_error, sites) => sites;
  Error.captureStackTrace(trace, callee);
  const sites = trace.stack as NodeJS.CallSite[];
  Error.stackTraceLimit = stackTraceLimit;
  Error.prepareStackTrace = prepareStackTrace;
  const end = sites.findIndex((site) => MARKS.includes(site.getFunctionName() ?? ''));
  return sites
    .slice(0, end < 0 ? undefined : end)
    .filter((site) => site.getLineNumber() !== null)
    .map((site) => `${site.getFileName() ?? ''}:${site.getLineNumber()}:${site.getColumnNumber()}`)
    .join('<');
}

function readStep({ instruction }: AnyOperation): Pick<Passage, 'key' | 'activity'> {
  return instruction.do === 'step' ? instruction : { key: undefined, activity: undefined };
}

function describePlace(operation: AnyOperation, given: readonly unknown[], site: string): Place {
  const { kind } = operation;
  const { activity } = readStep(operation);
  const [first, second] = given;
  const name = kind === 'sleep' || kind === 'continueAs' ? '' : nameOf(first);
  const { timeout } = kind === 'sleep' ? { timeout: first as Duration } : kind === 'waitFor' ? optionsOf(second) : {};
  const isGroup = activity === undefined && kind !== 'sleep' && kind !== 'waitFor';
  return {
    site: `${site} ${kind} ${name}`,
    kind,
    name,
    undoName: kind === 'step' ? activity?.undoName : undefined,
    duration: timeout === undefined ? undefined : toMilliseconds(timeout, `saga.${kind}`),
    concurrency: isGroup ? optionsOf(given.at(-1)).concurrency : undefined,
  };
}

function optionsOf(value: unknown): { readonly timeout?: Duration; readonly concurrency?: number } {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}

/** Of an activity, a saga, an event (its name itself), or a failure (its code). */
function nameOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return '';
  if ('name' in value && typeof value.name === 'string') return value.name;
  return 'code' in value && typeof value.code === 'string' ? value.code : '';
}

function isDefinition(value: unknown): value is Definition {
  return typeof value === 'object' && value !== null && 'name' in value && ('bind' in value || 'body' in value);
}

function isOperation(value: unknown): value is AnyOperation {
  return typeof value === 'object' && value !== null && 'instruction' in value && Symbol.iterator in value;
}

function isGenerator(value: unknown): value is Generator<unknown, unknown, unknown> {
  return typeof value === 'object' && value !== null && 'next' in value && 'throw' in value && Symbol.iterator in value;
}

function isRecordOfMembers(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return false;
  const members = Object.values(value);
  return members.length > 0 && members.every((member) => typeof member === 'function' || isOperation(member));
}
