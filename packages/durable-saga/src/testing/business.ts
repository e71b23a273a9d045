import type { Activity, KeyedReply } from '../definition/activity';
import type { Portless } from '../host/register';
import { activityFunctions } from '../host/register';
import type { ActivityHandler } from '../host/durable-functions';
import type { LoggedAttempt } from './attempt-log';
import { cameTo } from './attempt-log';
import type { World } from './exploration-setup';
import type { FaultPlan } from './fault-plan';
import type { Books, Violation } from './run';
import { watchPorts } from './watched-ports';

type Invocation = Parameters<ActivityHandler>[1];
type AnyActivity = Activity<never, unknown, unknown>;

/** The activities of a run over its world, with faults at the calls of their ports and an eye on the books. */
export class Business {
  readonly #world: World<unknown>;
  readonly #plan: FaultPlan;
  readonly #claims: Portless['claims'];
  /** By the name of the durable activity, that of an undo, too. */
  readonly #activities: ReadonlyMap<string, AnyActivity>;
  readonly #violate: (violation: Violation) => void;
  /** What has run to its end, by name and key. */
  readonly #done = new Set<string>();
  readonly #lastCalls = new Map<string, { readonly input: unknown; readonly invocation: Invocation }>();

  constructor(parts: {
    readonly world: World<unknown>;
    readonly plan: FaultPlan;
    readonly claims: Portless['claims'];
    readonly activities: ReadonlyMap<string, AnyActivity>;
    readonly violate: (violation: Violation) => void;
  }) {
    this.#world = parts.world;
    this.#plan = parts.plan;
    this.#claims = parts.claims;
    this.#activities = parts.activities;
    this.#violate = parts.violate;
  }

  /** Runs an attempt, as often as it is delivered. */
  async run(attempt: LoggedAttempt, input: unknown, invocation: Invocation): Promise<KeyedReply> {
    attempt.runs += 1;
    const isFirst = attempt.runs === 1;
    this.#lastCalls.set(`${attempt.name} ${attempt.key}`, { input, invocation });
    const before = await this.#booksBefore(attempt);
    const reply = await this.#call(attempt, isFirst, input, invocation);
    if (before !== undefined) await this.#compare(attempt, before);
    if (reply.ok) this.#done.add(`${attempt.name} ${attempt.key}`);
    if (attempt.came !== 'done') attempt.came = cameTo(reply);
    return reply;
  }

  /** Does what a step or an undo could not do, as an operator would: without faults. Gives its output. */
  async doByHand(name: string, key: string): Promise<unknown> {
    const last = this.#lastCalls.get(`${name} ${key}`);
    const activity = this.#activities.get(name);
    if (last === undefined || activity === undefined)
      throw new Error(`'${name}' was never called under the key '${key}'`);
    const reply = await runBound(activity, name, this.#world.ports, this.#claims, last.input, last.invocation);
    if (!reply.ok) throw new Error(`'${name}' could not be done by hand: ${reply.failure.message}`);
    return reply.value;
  }

  async #call(attempt: LoggedAttempt, isFirst: boolean, input: unknown, invocation: Invocation): Promise<KeyedReply> {
    const activity = this.#activities.get(attempt.name);
    if (activity === undefined) throw new Error(`no function '${attempt.name}' is registered`);
    let calls = 0;
    const ports = watchPorts(this.#world.ports, {
      before: (name) => {
        calls += 1;
        if (isFirst) attempt.calls.push(name);
        this.#fail(attempt, isFirst, calls, 'before');
        return calls;
      },
      after: (call) => this.#fail(attempt, isFirst, call, 'after'),
    });
    return runBound(activity, attempt.name, ports, this.#claims, input, invocation);
  }

  /** A fault at a call strikes the first delivery of an attempt. */
  #fail(attempt: LoggedAttempt, isFirst: boolean, call: number, when: 'before' | 'after'): void {
    const error = isFirst ? this.#plan.failCall(attempt, call, when) : undefined;
    if (error !== undefined) throw error;
  }

  /** The books, if this run must not change them. */
  #booksBefore({ name, key, isUndo }: LoggedAttempt): Books | undefined | Promise<Books> {
    const wasUndone = !isUndo && this.#done.has(`${name}_undo ${key}`);
    if (!wasUndone && !this.#done.has(`${name} ${key}`)) return undefined;
    return this.#world.books?.();
  }

  async #compare({ name, key, step, isUndo }: LoggedAttempt, before: Books): Promise<void> {
    const after = (await this.#world.books?.()) ?? {};
    const changed = changesOf(before, after);
    if (changed === '') return;
    const wasUndone = !isUndo && this.#done.has(`${name}_undo ${key}`);
    if (isUndo) {
      this.#violate({
        invariant: 'undone once',
        step: key,
        message: `the second undo of ${step} had an effect: ${changed}`,
      });
    } else if (wasUndone) {
      const message = `${step} had an effect after it had been undone: ${changed}`;
      this.#violate({ invariant: 'a late step does nothing', step: key, message });
    } else {
      this.#violate({ invariant: 'done once', step: key, message: `${step} had its effect again: ${changed}` });
    }
  }
}

async function runBound(
  activity: AnyActivity,
  name: string,
  ports: unknown,
  claims: Portless['claims'],
  input: unknown,
  invocation: Invocation,
): Promise<KeyedReply> {
  const run = activityFunctions(activity, activity.bind(ports, claims)).find((one) => one.name === name);
  return (await run?.handler(input, invocation)) as KeyedReply;
}

/** e.g. `stock 94 -> 92`; empty if nothing changed. */
export function changesOf(before: Books, after: Books): string {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names
    .filter((name) => before[name] !== after[name])
    .map((name) => `${name} ${before[name] ?? 0} -> ${after[name] ?? 0}`)
    .join(', ');
}
