import type { Orchestrator } from '../../host/durable-functions';
import type { ExecutionEnd, ExecutionStart } from '../../host/library-executor';
import { LibraryExecution } from '../../host/library-executor';
import type { Asked, AskedTimer } from './asked';
import { describeAsked, describeStep, toAsked } from './asked';
import type { RecordedLife, Reply, Told } from './recorded-life';
import { Unverifiable } from './recorded-life';

/** Where code and history part. */
export interface Deviation {
  /** Place in `historyEvents`. */
  readonly event: number;
  /** Names of the functions, where there are any. */
  readonly historyStep: string | undefined;
  readonly codeStep: string | undefined;
  /** In words, without any payload. */
  readonly history: string;
  readonly code: string;
}

/** What is assumed in one pass where a history leaves something open. */
export interface Assumptions {
  readonly told: readonly Told[];
  /** Times of turns, by the place of what began them; the others are taken from what is shown. */
  readonly turns: ReadonlyMap<number, number>;
  /** Which of several that it may be a reply is for: one of the first `count` numbers. */
  readonly choose: (count: number) => number;
}

class Deviated extends Error {
  readonly deviation: Deviation;

  constructor(deviation: Deviation) {
    super('code and history part');
    this.deviation = deviation;
  }
}

/** One run of today's code over a history. What it asked for, and how far it came, is then held against the history. */
export class ReplayPass {
  readonly life: RecordedLife;
  readonly told: readonly Told[];
  readonly asked: Asked[] = [];
  readonly timers: AskedTimer[] = [];
  /** The last thing told that is no event from outside: hosts show those when they come, not when they are taken. */
  readonly lastSure: number;
  /** Custom status after it, and after each event from outside that follows. */
  readonly statuses: unknown[] = [];
  deviation: Deviation | undefined;
  /** What made the code end. */
  endedBy: number | undefined;
  readonly #execution: LibraryExecution;
  readonly #assumptions: Assumptions;
  readonly #seen = new Set<number>();

  constructor(orchestrator: Orchestrator, start: ExecutionStart, life: RecordedLife, assumptions: Assumptions) {
    this.life = life;
    this.told = assumptions.told;
    this.#assumptions = assumptions;
    this.lastSure = this.told.findLastIndex(({ kind }) => kind !== 'raised');
    const startedAt = assumptions.turns.get(-1) ?? start.startedAt;
    this.#execution = new LibraryExecution(orchestrator, { ...start, startedAt });
  }

  run(): this {
    try {
      this.#note(-1);
      this.told.forEach((told, by) => {
        this.#execution.turn(this.#assumptions.turns.get(by) ?? timeOf(told));
        this.#tell(told);
        this.#note(by);
      });
    } catch (error) {
      if (!(error instanceof Deviated)) throw error;
      this.deviation = error.deviation;
    }
    return this;
  }

  get end(): ExecutionEnd | undefined {
    return this.#execution.end();
  }

  /** What the code does, or waits for, in place of what the history has. */
  describeCode(): string {
    const end = this.end;
    if (end !== undefined) return describeEnd(end);
    const open = this.#unexplained();
    if (open.length > 0) return open.slice(0, 5).map(describeAsked).join(', ');
    const waits = this.#execution.openEvents().filter((name) => name !== 'cancel');
    if (waits.length > 0) return `waits for ${waits.map((name) => `'${name}'`).join(', ')}`;
    const timer = this.timers.findLast(({ isFired }) => !isFired);
    return timer === undefined ? 'nothing more' : `waits until ${toIso(timer.fireAt)}`;
  }

  codeStep(): string | undefined {
    return this.end === undefined ? this.#unexplained()[0]?.name : undefined;
  }

  /** Steps under way that no later reply is for, those asked for last; all under way if there are none. */
  #unexplained(): readonly Asked[] {
    const open = this.asked.filter(({ isAnswered }) => !isAnswered);
    const replies = this.told.filter((told) => told.kind === 'reply');
    const unexplained = open.filter((asked) => !replies.some((reply) => isFor(reply, asked)));
    const found = unexplained.length > 0 ? unexplained : open;
    const latest = Math.max(...found.map(({ by }) => by));
    return found.filter(({ by }) => by === latest);
  }

  #note(by: number): void {
    const execution = this.#execution;
    for (const task of execution.openTasks()) {
      if (task.kind === 'other') {
        throw new Unverifiable('it asks for entities, durable HTTP or retries of the library, which are not replayed');
      }
      if (this.#seen.has(task.id)) continue;
      this.#seen.add(task.id);
      if (task.kind === 'timer') {
        this.timers.push({ id: task.id, fireAt: task.fireAt, by, turn: execution.now, isFired: false });
      } else this.asked.push(toAsked(task, by, execution.now));
    }
    if (this.endedBy === undefined && execution.end() !== undefined) this.endedBy = by;
    if (by >= this.lastSure) this.statuses.push(execution.customStatus());
  }

  #tell(told: Told): void {
    const execution = this.#execution;
    const hasEnded = execution.end() !== undefined;
    switch (told.kind) {
      case 'raised':
        if (!hasEnded) execution.raise(told.name, told.input);
        return;
      case 'fired': {
        const timer = this.#timerOf(told);
        timer.isFired = true;
        if (!hasEnded) execution.fire(timer.id);
        return;
      }
      case 'reply': {
        const asked = this.#askedFor(told);
        asked.isAnswered = true;
        if (told.asked !== undefined) asked.recorded = { ticks: told.asked, index: told.index };
        if (hasEnded) return;
        if (told.result.ok) execution.complete(asked, told.result.value);
        else execution.fail(asked, told.result.failure);
      }
    }
  }

  /** Timers have no names: they are created in the order in which they are asked for. */
  #timerOf({ index, fireAt }: Extract<Told, { kind: 'fired' }>): AskedTimer {
    const timer = this.timers.find(({ isFired }, nth) => !isFired && this.life.timers[nth]?.fireAt === fireAt);
    if (timer !== undefined) return timer;
    return this.#deviate(index, undefined, `the timer of ${toIso(fireAt)} has fired`);
  }

  #askedFor(told: Reply & { readonly index: number }): Asked {
    const { name, index, answers, childId, result } = told;
    const open = this.asked.filter((asked) => !asked.isAnswered && isFor(told, asked) && !this.#hasReply(told, asked));
    const inTurn = this.life.isExact ? open.filter((asked) => this.#isOfTurn(told, asked)) : open;
    const candidates = inTurn.length > 0 ? inTurn : open;
    const chosen = candidates[candidates.length > 1 ? this.#choose(told, candidates) : 0];
    if (chosen !== undefined) return chosen;
    const what = describeStep(name, answers?.[0] ?? childId, answers?.[1]);
    return this.#deviate(index, name, result.ok ? what : `${what}, which the platform failed`);
  }

  /** Whether what does not say which attempt it answers can't be for this one, since another reply is. */
  #hasReply({ answers }: Reply, asked: Asked): boolean {
    if (answers !== undefined || asked.answers === undefined) return false;
    return this.told.some((other) => other.kind === 'reply' && other.answers !== undefined && isFor(other, asked));
  }

  /** Where all are answered, the times at which they were asked for tell which is whose; else there is a choice. */
  #choose(told: Reply & { readonly index: number }, candidates: readonly Asked[]): number {
    const rest = this.told.filter(
      (other) =>
        other.kind === 'reply' && other.index >= told.index && other.answers === undefined && isAlike(other, told),
    );
    const times = rest.map((other) => (other.kind === 'reply' ? other.asked : undefined));
    const { asked } = told;
    if (asked === undefined || times.length !== candidates.length || new Set(times).size !== times.length) {
      return this.#assumptions.choose(candidates.length);
    }
    return times.filter((time) => time !== undefined && time < asked).length;
  }

  #isOfTurn({ asked: ticks }: Reply, { turn }: Asked): boolean {
    return ticks === undefined || turn - this.life.startedAt === Math.floor(ticks / 10_000);
  }

  #deviate(event: number, historyStep: string | undefined, history: string): never {
    throw new Deviated({ event, historyStep, codeStep: this.codeStep(), history, code: this.describeCode() });
  }
}

function isAlike(one: Told, { of, name }: Reply): boolean {
  return one.kind === 'reply' && one.of === of && one.name === name;
}

function isFor({ of, name, answers, childId }: Reply, asked: Asked): boolean {
  if (asked.kind !== of || asked.name.toLowerCase() !== name.toLowerCase()) return false;
  if (childId !== undefined && asked.instanceId !== undefined) return asked.instanceId === childId;
  if (answers === undefined || asked.answers === undefined) return true;
  return asked.answers[0] === answers[0] && asked.answers[1] === answers[1];
}

/** A host may fire a timer a moment early, and shows when the message was written, not when it was due. */
function timeOf(told: Told): number {
  return told.kind === 'fired' ? Math.max(told.at, told.fireAt) : told.at;
}

function describeEnd(end: ExecutionEnd): string {
  switch (end.kind) {
    case 'returned':
      return 'ends';
    case 'continued':
      return 'goes on in a new history';
    case 'threw':
      return 'throws an error';
  }
}

export function toIso(at: number): string {
  return new Date(at).toISOString();
}
