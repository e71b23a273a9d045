import { SagaDivergence } from './divergence';
import type { Answered, ExecutionEnd, HistoryEvent, Task } from './history';
import { describeTask, endOf } from './history';
import type { OrchestratorContext } from './execution';
import { asJson, Execution, readTasks, triggerOf } from './execution';
import type { HostedOrchestrator } from './host-functions';
import type { SimulatedInstance } from './simulated-instance';

/*
 * Runs the turns of an instance, in one of the ways in which hosts do:
 *
 * - `replay`: every turn calls the orchestrator with the whole history; tasks are told apart by the executor's numbers;
 * - `sticky`: the executor is kept and fed new events only, as functions-host does;
 * - `azure`:  as `replay`, but tasks, their numbers and the end come from the actions alone, as the Azure host reads
 *             them. A task listed twice, or one that the host has not come to, fails the test;
 * - `verify`: as `sticky`, and each turn is replayed from the beginning of the history, which must come to the same;
 * - `verifyOnce`: as `verify`, but a history is replayed once, when it is over: each of its turns must come to the same.
 *             What `verify` costs grows with the square of the turns, this does not.
 */
export type Mode = 'replay' | 'sticky' | 'azure' | 'verify' | 'verifyOnce';
/** Those in which tests run sagas; `sticky` is a part of `verify`. */
export const MODES: readonly Mode[] = ['replay', 'azure', 'verify'];

export interface TurnEnd {
  /** All numbered tasks that are waited for (`replay`, `azure`), or those that this turn asked for. */
  readonly asked: readonly Task[];
  readonly isCancelled: (id: number) => boolean;
  /** How the history has ended, if it has. */
  readonly end: ExecutionEnd | undefined;
  /** What the Azure host reads. */
  readonly answer: Answered | undefined;
  /** JSON of the custom status. */
  readonly status: string | undefined;
  /** New events that the code did not come to before it ended. */
  readonly unseen: readonly HistoryEvent[];
  /** How many numbers were given to tasks so far. */
  readonly taskCount: number;
}

/** An orchestrator's code, and what it is called with. */
export interface Code {
  readonly hosted: HostedOrchestrator;
  /** A context; one that is muted writes no log. */
  readonly makeContext: (isMuted: boolean) => OrchestratorContext;
}

/** Runs the newest turn, whose events are `fresh` and stand at the end of the history. */
export async function runTurn(
  mode: Mode,
  instance: SimulatedInstance,
  fresh: readonly HistoryEvent[],
  code: Code,
): Promise<TurnEnd> {
  if (mode === 'replay' || mode === 'azure') return replayTurn(instance, fresh, code);
  const events = instance.fed.at(-1) ?? [];
  const execution = instance.kept ?? (await replayTo(instance, instance.fed.length - 1, code, 'with logs'));
  instance.kept = execution;
  const seen = execution.feed(events, false);
  const end: TurnEnd = {
    asked: execution.tasksFrom(instance.taskCounts.at(-1) ?? 0),
    isCancelled: (id) => execution.isCancelled(id),
    end: execution.end(),
    answer: undefined,
    status: execution.status(),
    unseen: fresh.slice(seen),
    taskCount: execution.executor.sequenceNumber,
  };
  if (mode === 'verify') await verifyTurn(instance, end, code);
  return end;
}

/** Replays a history that is over: all turns must come to what they came to. */
export async function verifyHistory(instance: SimulatedInstance, end: TurnEnd | undefined, code: Code): Promise<void> {
  const { fed, statuses } = instance;
  const execution = await openAgain(instance, code, true);
  for (let turn = 0; turn < fed.length; turn += 1) {
    for (const event of fed[turn] ?? []) event.IsPlayed = true;
    feedAgain(instance, execution, turn, true);
    const where = { instanceId: instance.id, turn: turn + 1 };
    const isLast = turn === fed.length - 1;
    if (isLast && end !== undefined) {
      checkEnd(where, instance.taskCounts.at(-2) ?? 0, end, execution);
      return;
    }
    checkTasks(instance, execution, turn);
    const status = execution.status();
    if (status !== statuses[turn]) throw new SagaDivergence(where, `showed ${statuses[turn]}`, `shows ${status}`);
  }
}

/** An execution that has been fed the first turns again; what they asked for must be what they asked for before. */
async function replayTo(
  instance: SimulatedInstance,
  turns: number,
  code: Code,
  logs?: 'with logs',
): Promise<Execution> {
  const { fed } = instance;
  const execution = await openAgain(instance, code, logs === undefined);
  for (let turn = 0; turn < turns; turn += 1) {
    for (const event of fed[turn] ?? []) event.IsPlayed = true;
    feedAgain(instance, execution, turn, true);
    checkTasks(instance, execution, turn);
  }
  return execution;
}

function openAgain(instance: SimulatedInstance, code: Code, isMuted: boolean): Promise<Execution> {
  const { id, input, parent, fed } = instance;
  const started = fed[0]?.[0];
  if (started === undefined) throw new Error(`instance '${id}' has no history`);
  return Execution.open(code.hosted, { id, input, parentId: parent?.id }, code.makeContext(isMuted), started);
}

function feedAgain(instance: SimulatedInstance, execution: Execution, turn: number, isReplaying: boolean): void {
  try {
    execution.feed(instance.fed[turn] ?? [], isReplaying);
  } catch (error) {
    const where = { instanceId: instance.id, turn: turn + 1 };
    throw new SagaDivergence(where, 'went on', `threw ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** What a turn that was fed again asked for must be what the turn asked for. */
function checkTasks(instance: SimulatedInstance, execution: Execution, turn: number): void {
  const { tasks, taskCounts } = instance;
  const where = { instanceId: instance.id, turn: turn + 1 };
  const first = taskCounts[turn - 1] ?? 0;
  const end = taskCounts[turn] ?? first;
  const { sequenceNumber } = execution.executor;
  const asked = execution.tasksFrom(first);
  for (let id = first; id < Math.max(end, sequenceNumber); id += 1) {
    const ran = tasks.get(id);
    const replayed = asked.find((task) => task.id === id);
    if (!areSame(ran, replayed)) throw new SagaDivergence(where, ran, replayed);
  }
}

function areSame(a: Task | undefined, b: Task | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (a.id !== b.id) return false;
  if (a.kind === 'timer') return b.kind === 'timer' && a.fireAt === b.fireAt;
  if (b.kind === 'timer' || a.kind !== b.kind || a.name !== b.name || a.json !== b.json) return false;
  return a.kind === 'activity' || (b.kind === 'child' && a.instanceId === b.instanceId);
}

/** Replays the turn that has just run: what it asks for, shows and ends with must be the same. */
async function verifyTurn(instance: SimulatedInstance, end: TurnEnd, code: Code): Promise<void> {
  const last = instance.fed.length - 1;
  const where = { instanceId: instance.id, turn: last + 1 };
  const execution = await replayTo(instance, last, code);
  feedAgain(instance, execution, last, false);
  checkEnd(where, instance.taskCounts.at(-1) ?? 0, end, execution);
}

/** What a turn asks for from this number on, shows and ends with must be the same. */
function checkEnd(
  where: { readonly instanceId: string; readonly turn: number },
  first: number,
  end: TurnEnd,
  execution: Execution,
): void {
  const replayed = execution.tasksFrom(first);
  for (let index = 0; index < Math.max(end.asked.length, replayed.length); index += 1) {
    const [ran, again] = [end.asked[index], replayed[index]];
    if (!areSame(ran, again)) throw new SagaDivergence(where, ran, again);
  }
  const status = execution.status();
  if (status !== end.status) throw new SagaDivergence(where, `showed ${end.status}`, `shows ${status}`);
  const [ran, again] = [describeEnd(end.end), describeEnd(execution.end())];
  if (ran !== again) throw new SagaDivergence(where, ran, again);
}

function describeEnd(end: ExecutionEnd | undefined): string {
  if (end === undefined) return 'goes on';
  return end.next === undefined ? `ends with ${end.output}` : `continues with ${JSON.stringify(end.next.input)}`;
}

async function replayTurn(instance: SimulatedInstance, fresh: readonly HistoryEvent[], code: Code): Promise<TurnEnd> {
  const context = code.makeContext(false);
  const answer = await replay(instance, instance.history, code, context);
  if (context.df === undefined) throw new Error('the orchestrator has no durable context');
  const executor = context.df.taskOrchestratorExecutor;
  const asked = readTasks(executor);
  for (const task of asked) checkSame(instance, task);
  return {
    asked,
    isCancelled: (id) => executor.openTasks[id]?.isCanceled === true,
    end: endOf(answer),
    answer,
    status: JSON.stringify(answer.customStatus),
    unseen: await findUnseen(instance, answer, fresh, code),
    taskCount: executor.sequenceNumber,
  };
}

function checkSame(instance: SimulatedInstance, task: Task): void {
  const before = instance.tasks.get(task.id);
  if (before !== undefined && describeTask(before) !== describeTask(task)) {
    throw new SagaDivergence({ instanceId: instance.id, turn: instance.turns }, before, task);
  }
}

/** Code that is replayed doesn't say by which event it ended: fewer are tried. */
async function findUnseen(
  instance: SimulatedInstance,
  answer: Answered,
  fresh: readonly HistoryEvent[],
  code: Code,
): Promise<readonly HistoryEvent[]> {
  if (endOf(answer)?.next === undefined) return [];
  const before = instance.history.slice(0, -fresh.length);
  for (let seen = 1; seen < fresh.length; seen += 1) {
    const sooner = await replay(instance, [...before, ...fresh.slice(0, seen)], code, code.makeContext(true));
    if (sooner.isDone) return fresh.slice(seen);
  }
  return [];
}

async function replay(
  { id, input, parent }: SimulatedInstance,
  history: readonly HistoryEvent[],
  code: Code,
  context: OrchestratorContext,
): Promise<Answered> {
  const trigger = triggerOf({ id, input, parentId: parent?.id }, asJson(history) as HistoryEvent[]);
  return asJson(await code.hosted.handler(trigger, context)) as Answered;
}
