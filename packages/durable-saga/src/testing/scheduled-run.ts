import type { Saga } from '../definition/saga';
import { messageOf } from '../definition/failure';
import type { Activity } from '../definition/activity';
import type { ActivityHandler } from '../host/durable-functions';
import { activityFunctions, portlessOf } from '../host/register';
import type { SagaStatus } from '../runner/status';
import type { LoggedAttempt } from './attempt-log';
import { Business } from './business';
import { SagaDivergence } from './divergence';
import type { ExplorationSetup, World } from './exploration-setup';
import type { CancelFault, Fault } from './fault';
import { describeFault } from './fault';
import { toRun } from './run-report';
import type { ShownTurn } from './run-report';
import { canCancel, readOutcome, readStatus } from './run-status';
import { FaultPlan } from './fault-plan';
import { found, hosted } from './host-functions';
import type { HostFunctions } from './host-functions';
import { checkOwnInvariants } from './own-invariants';
import type { EndedInstance } from './own-invariants';
import type { Run, RunEvent, RunParking, Violation } from './run';
import { scheduleEvents } from './schedule-events';
import { SimulatedHost } from './simulated-host';
import { Timeline } from './timeline';
import type { Attempt, Treatment } from './treatment';
import type { BodyNotes } from './watched-saga';
import { watchSaga } from './watched-saga';

type AnySaga = Saga<never, unknown>;
type AnySetup = ExplorationSetup<unknown, unknown>;

/** Milliseconds that an operator takes. */
const OPERATOR = 3_600_000;
const MOST_PARKINGS = 50;

/** A run under way. */
export class ScheduledRun {
  readonly #saga: AnySaga;
  readonly #setup: AnySetup;
  readonly #rootId: string;
  readonly #world: World<unknown>;
  readonly #host: SimulatedHost;
  readonly #plan: FaultPlan;
  readonly #business: Business;
  readonly #start: number;
  readonly #timeline: Timeline;
  readonly #notes: BodyNotes = { undoable: new Map(), thrown: new Map() };
  readonly #attempts = new Map<string, LoggedAttempt>();
  readonly #turns: ShownTurn[] = [];
  readonly #parked: RunParking[] = [];
  readonly #events: RunEvent[] = [];
  readonly #violations: Violation[] = [];
  readonly #undoNames: ReadonlySet<string>;
  #cancelWasInTime: boolean | undefined;
  /** Where it stands, for faults that strike while it is told of them. */
  #where: string;

  static async of(saga: AnySaga, setup: AnySetup, faults: readonly Fault[]): Promise<Run> {
    const clock = { now: () => START };
    const world = await setup.world({ now: () => clock.now() });
    const run = new ScheduledRun(saga, setup, world, faults);
    clock.now = () => run.#host.now;
    return run.#toEnd();
  }

  private constructor(saga: AnySaga, setup: AnySetup, world: World<unknown>, faults: readonly Fault[]) {
    this.#saga = saga;
    this.#setup = setup;
    this.#world = world;
    this.#rootId = setup.instanceId ?? 'explored';
    this.#where = this.#rootId;
    this.#start = START;
    this.#timeline = new Timeline(START);
    this.#plan = new FaultPlan(faults, (fault) => this.#note(this.#where, () => `* ${describeFault(fault)}`));
    const sagas = [saga, ...(setup.sagas ?? [])].map((one) => watchSaga(one, this.#notes));
    const { orchestrators, own, claims } = portlessOf({ sagas, activities: setup.activities });
    this.#undoNames = new Set(setup.activities.flatMap(({ undoName }) => undoName ?? []));
    const activities = new Map<string, Activity<never, unknown, unknown>>();
    for (const activity of setup.activities as Activity<never, unknown, unknown>[]) {
      activities.set(activity.name, activity);
      if (activity.undoName !== undefined) activities.set(activity.undoName, activity);
    }
    this.#business = new Business({
      world,
      plan: this.#plan,
      claims,
      activities,
      violate: (violation) => this.#violations.push(violation),
    });
    const toolkits = new Map(
      own
        .flatMap((activity) => activityFunctions(activity, activity.bind(undefined, claims)))
        .map((one) => [one.name, one.handler]),
    );
    const functions: HostFunctions = {
      orchestrator: (name) => hosted(found(orchestrators, name)),
      activity: (name) => (activities.has(name) ? this.#runner(name) : found(toolkits, name)),
    };
    this.#host = new SimulatedHost({
      functions,
      mode: 'verifyOnce',
      now: START,
      treat: (attempt) => this.#treat(attempt),
      killAt: (instanceId, turn) => this.#killAt(instanceId, turn),
      committed: (instanceId, turn) => this.#committed(instanceId, turn),
      note: (instanceId, text) => this.#note(instanceId, text),
    });
  }

  #note(where: string, text: () => string | undefined): void {
    this.#timeline.note(this.#now, where, text);
  }

  get #now(): number {
    return (this.#host as SimulatedHost | undefined)?.now ?? START;
  }

  #stepOf(key: string): string {
    return key.startsWith(`${this.#rootId}/`) ? key.slice(this.#rootId.length + 1) : key;
  }

  #treat({ instanceId, name, key, attempt, timeout, at }: Attempt): Treatment | undefined {
    const step = this.#stepOf(key);
    const isUndo = this.#undoNames.has(name);
    const turn = this.#host.instance(instanceId).turns;
    const logged: LoggedAttempt = {
      instanceId,
      name,
      key,
      step,
      isUndo,
      attempt,
      at: at - this.#start,
      turn,
      timeout,
      calls: [],
      runs: 0,
      came: 'unknown',
    };
    this.#attempts.set(`${name} ${key} ${attempt}`, logged);
    this.#where = instanceId;
    return this.#plan.treat(logged);
  }

  #runner(name: string): ActivityHandler {
    return async (input, invocation) => {
      const { $step } = input as { readonly $step: { readonly key: string; readonly attempt?: number } };
      const attempt = this.#attempts.get(`${name} ${$step.key} ${$step.attempt ?? 1}`);
      if (attempt === undefined) throw new Error(`an attempt of '${$step.key}' runs that was not asked for`);
      this.#where = attempt.instanceId;
      return this.#business.run(attempt, input, invocation);
    };
  }

  #killAt(instanceId: string, turn: number): 'before' | 'after' | undefined {
    this.#where = instanceId;
    return this.#plan.killAt(instanceId, instanceId === this.#rootId, turn);
  }

  #committed(instanceId: string, number: number): void {
    const instance = this.#host.engine.find(instanceId);
    const { status } = instance;
    this.#turns.push({ instanceId, number, at: this.#now - this.#start, status });
    if (instanceId !== this.#rootId || instance.isCompleted) return;
    for (const fault of this.#plan.cancels) if (fault.wait === number) this.#cancel(fault);
  }

  #cancel(fault: CancelFault): void {
    const instance = this.#host.engine.find(this.#rootId);
    this.#where = this.#rootId;
    this.#plan.strike(fault);
    const payload = { reason: 'on purpose' };
    if (fault.how === 'behind') {
      const at = this.#host.engine.nextAt(instance) ?? this.#now;
      this.#host.engine.raise(at, instance, 'cancel', payload);
      return;
    }
    // A host that was killed has met what else was under way before it.
    const arrives = (): void => {
      const status = readStatus(instance.status);
      this.#cancelWasInTime ||= !instance.isCompleted && status !== undefined && canCancel(status);
    };
    this.#host.engine.raise(this.#now, instance, 'cancel', payload, { isAlone: fault.wait > 0, arrives });
  }

  async #toEnd(): Promise<Run> {
    try {
      await this.#begin();
      await this.#settle();
      await this.#host.engine.verify();
    } catch (error) {
      this.#violations.push({
        invariant: error instanceof SagaDivergence ? 'a replay does the same' : 'every saga ends or is parked',
        message: messageOf(error),
        ...(error instanceof SagaDivergence && error.step !== undefined ? { step: error.step } : {}),
      });
    }
    return this.#report();
  }

  async #begin(): Promise<void> {
    const host = this.#host;
    const input = { $saga: { version: this.#saga.version }, input: this.#setup.input };
    await host.startNew(this.#saga.name, { instanceId: this.#rootId, input });
    const instance = host.engine.find(this.#rootId);
    for (const fault of this.#plan.cancels) if (fault.wait === 0) this.#cancel(fault);
    for (const one of scheduleEvents(this.#saga, this.#setup.events ?? [], this.#plan.events)) {
      const { event, payload, at, normallyAt, fault, isMissing } = one;
      const strikesAt = isMissing ? normallyAt : at;
      host.engine.at(this.#start + strikesAt, instance, () => {
        this.#where = this.#rootId;
        if (instance.isCompleted) return;
        if (fault !== undefined) this.#plan.strike(fault);
        if (!isMissing) this.#events.push({ event, at: this.#now - this.#start });
      });
      if (!isMissing) host.engine.raise(this.#start + at, instance, event, payload);
    }
  }

  /** Runs on until nothing is left to happen and nothing is parked. */
  async #settle(): Promise<void> {
    for (let parkings = 0; ; parkings += 1) {
      await this.#host.run();
      const parked = this.#host.instanceIds.find((id) => {
        const { isCompleted } = this.#host.engine.find(id);
        return !isCompleted && this.#status(id)?.state === 'parked';
      });
      if (parked === undefined) return;
      if (parkings === MOST_PARKINGS) throw new Error(`saga '${parked}' parked ${MOST_PARKINGS} times`);
      await this.#decide(parked);
    }
  }

  async #decide(instanceId: string): Promise<void> {
    const parked = this.#status(instanceId)?.parked;
    if (parked === undefined) throw new Error(`saga '${instanceId}' is parked and does not say at what`);
    const { what, name, key, number } = parked;
    const step = this.#stepOf(key);
    // What a body has thrown it throws again.
    const decision = what === 'body' ? 'fail' : this.#plan.decide(step, what === 'undo');
    this.#parked.push({ instanceId, key, step, what, at: this.#now - this.#start, decision });
    this.#note(instanceId, () => `parked at ${what} ${step}: ${parked.failure.message}`);
    const instance = this.#host.engine.find(instanceId);
    const output = decision === 'skip' ? await this.#business.doByHand(name, key) : undefined;
    this.#host.engine.at(this.#now + OPERATOR, instance, () =>
      this.#note(instanceId, () => `an operator says ${decision} of ${what} ${step}`),
    );
    const action = decision === 'skipBlind' ? 'skip' : decision;
    this.#host.engine.raise(this.#now + OPERATOR, instance, 'retry', { action, step: key, number, output });
  }

  #status(id: string): SagaStatus | undefined {
    return readStatus(this.#host.engine.find(id).status);
  }

  async #report(): Promise<Run> {
    const hasBegun = this.#host.instanceIds.includes(this.#rootId);
    const instances = this.#host.instanceIds.map((id) => this.#ended(id));
    const root = instances.find(({ id }) => id === this.#rootId);
    const attempts = [...this.#attempts.values()];
    const violations = this.#violations;
    const wasBroken = violations.some(({ invariant }) => invariant === 'a replay does the same');
    const run = toRun({
      instanceId: this.#rootId,
      outcome: root?.outcome,
      status: root?.status,
      attempts,
      turns: this.#turns,
      parked: this.#parked,
      events: this.#events,
      logs: this.#host.logs,
      timeline: this.#timeline,
      books: await this.#world.books?.(),
      violations,
      met: this.#plan.met,
      start: this.#start,
    });
    if (hasBegun && !wasBroken) {
      violations.push(
        ...checkOwnInvariants({
          rootId: this.#rootId,
          instances,
          attempts,
          parked: this.#parked,
          notes: this.#notes,
          tolerated: this.#setup.tolerated ?? [],
          cancelWasInTime: this.#cancelWasInTime,
        }),
      );
    }
    await this.#checkAuthors(run);
    return run;
  }

  #ended(id: string): EndedInstance {
    const { isCompleted, output, openTimers } = this.#host.engine.find(id);
    return { id, isCompleted, outcome: readOutcome(output), status: this.#status(id), openTimers: openTimers.size };
  }

  async #checkAuthors(run: Run): Promise<void> {
    const { ports } = this.#world;
    const checks = Object.entries(this.#setup.invariants ?? {}).map(
      ([name, invariant]) => [name, () => invariant(run, ports)] as const,
    );
    if (this.#world.check !== undefined) checks.push(['check of the world', () => this.#world.check?.(run)]);
    for (const [invariant, check] of checks) {
      try {
        if ((await check()) === false) this.#violations.push({ invariant, message: 'does not hold' });
      } catch (error) {
        this.#violations.push({ invariant, message: messageOf(error) });
      }
    }
  }
}

/** Milliseconds since the epoch; any time does, as long as it is always the same. */
const START = Date.UTC(2026, 0, 1);
