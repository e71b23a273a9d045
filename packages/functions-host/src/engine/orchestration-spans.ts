/**
 * What the orchestrations of a hub tell of themselves as spans: each task from when it was asked for to when its result was
 * taken, and the orchestration from its start to its end. They follow commits, never replays, so nothing is told twice
 * but what a crash leaves untold; and since ids and times come from what is stored, a span that began under one host
 * ends under the next. Names and attributes are those of the Durable Task Framework.
 */
import { isFinished, type InstanceRow } from '../store/store';
import { spanIdOf, type Trace } from '../tracing/trace-context';
import type { Attributes, Span, Tracer } from '../tracing/tracer';
import { toEntityName } from './entity-id';
import type { HistoryEvent, HistoryTurn } from './history';
import type { Instance } from './instance';
import { orchestrationTrace, taskTrace } from './instance-trace';
import type { Turn } from './turn-outcome';

type Named = Pick<Span, 'name' | 'kind' | 'attributes'>;

/** A task that has no result yet. */
interface Begun extends Named {
  readonly at: number;
  readonly trace: Trace;
}

interface Life {
  /** When the orchestration's own span began. */
  beganAt: number;
  readonly tasks: Map<number, Begun>;
}

const scope = 'DurableTask.Core';

export class OrchestrationSpans {
  readonly #tracer: Tracer;
  readonly #lives = new WeakMap<Instance, Life>();

  constructor(tracer: Tracer) {
    this.#tracer = tracer;
  }

  /** Takes in what another host, or this one before, has told of: what is open there ends here. */
  remember(instance: Instance, turns: readonly HistoryTurn[]): void {
    if (instance.trace === undefined) return;
    for (const turn of turns) for (const event of turn.events) this.#take(instance, event, turn.at);
  }

  /** An instance was made and is stored; `trace` in its row is the place of this very span. */
  created(row: Pick<InstanceRow, 'id' | 'name' | 'version' | 'executionId'>, trace: Trace, begun: CreationBegun): void {
    const { id, name, version, executionId } = row;
    this.#tracer.record({
      ...{ name: `create_orchestration:${withVersion(name, version)}`, kind: 'producer', trace },
      scope: 'WebJobs.Extensions.DurableTask',
      parentSpanId: begun.parentSpanId,
      startAt: begun.at,
      endAt: begun.endAt,
      attributes: {
        ...{ 'durabletask.type': 'orchestration', 'durabletask.task.name': name },
        ...{ 'durabletask.task.instance_id': id, 'durabletask.task.execution_id': executionId },
        ...versionOf(version),
      },
    });
  }

  /** A turn is stored. */
  committed(instance: Instance, turn: Turn): void {
    if (instance.trace === undefined) return;
    for (const event of turn.events) {
      const ended = this.#take(instance, event, turn.at);
      if (ended !== undefined) this.#tellTask(instance, ended, turn.at, failureOf(event));
    }
    if (turn.continuedWith !== undefined) this.#lives.get(instance)?.tasks.clear();
    if (isFinished(turn.status)) this.#tellEnd(instance, turn);
  }

  #lifeOf(instance: Instance): Life {
    let life = this.#lives.get(instance);
    if (life === undefined) this.#lives.set(instance, (life = { beganAt: instance.createdAt, tasks: new Map() }));
    return life;
  }

  /** Notes what an event begins; answers what it ends. */
  #take(instance: Instance, event: HistoryEvent, at: number): Begun | undefined {
    const life = this.#lifeOf(instance);
    if (event.kind === 'rewound') {
      life.beganAt = at;
      // What had failed is asked for again.
      for (const [id, begun] of life.tasks) {
        life.tasks.set(id, { ...begun, at, trace: taskTrace(instance, id) ?? begun.trace });
      }
      return undefined;
    }
    const named = toTask(instance, event);
    if (named !== undefined && 'id' in event) {
      const trace = taskTrace(instance, event.id);
      if (trace === undefined) return undefined;
      const begun = { ...named, at, trace };
      if (event.kind === 'entitySignalled') return begun;
      life.tasks.set(event.id, begun);
      return undefined;
    }
    if (!('id' in event)) return undefined;
    const ended = life.tasks.get(event.id);
    life.tasks.delete(event.id);
    return event.kind === 'timerCancelled' ? undefined : ended;
  }

  #tellTask(instance: Instance, { name, kind, attributes, at, trace }: Begun, endAt: number, error?: string): void {
    const own = orchestrationTrace(instance);
    if (own === undefined) return;
    const parentSpanId = spanIdOf(own);
    this.#tracer.record({ name, kind, attributes, scope, trace, parentSpanId, startAt: at, endAt, error });
  }

  #tellEnd(instance: Instance, turn: Turn): void {
    const { id, name, version, trace } = instance;
    const own = orchestrationTrace(instance);
    if (trace === undefined || own === undefined) return;
    const output = typeof turn.output === 'string' ? turn.output : '""';
    this.#tracer.record({
      ...{ name: `orchestration:${withVersion(name, version)}`, kind: 'server', scope, trace: own },
      parentSpanId: spanIdOf(trace),
      startAt: this.#lifeOf(instance).beganAt,
      endAt: turn.at,
      attributes: {
        ...{ 'durabletask.type': 'orchestration', 'durabletask.task.name': name },
        ...{ 'durabletask.task.instance_id': id, 'durabletask.task.status': turn.status },
        ...versionOf(version),
      },
      ...(turn.status === 'Failed' && { error: String(JSON.parse(output)).split('\n', 1)[0] ?? '' }),
    });
    this.#lives.delete(instance);
  }
}

/** The making of an instance, before it is stored and after. */
export interface CreationBegun {
  readonly at: number;
  readonly endAt: number;
  /** Of the caller, if it told its trace. */
  readonly parentSpanId: string | undefined;
}

/** What an event asks for, if that is told as a span. */
function toTask({ id: instanceId, name: orchestration }: Instance, event: HistoryEvent): Named | undefined {
  const about = (type: string, name: string): Attributes => ({
    ...{ 'durabletask.type': type, 'durabletask.task.name': name, 'durabletask.task.instance_id': instanceId },
    ...('id' in event && { 'durabletask.task.task_id': event.id }),
  });
  switch (event.kind) {
    case 'activityScheduled':
      return { name: `activity:${event.name}`, kind: 'client', attributes: about('activity', event.name) };
    case 'childCreated': {
      const name = `orchestration:${withVersion(event.name, event.version)}`;
      const attributes = { ...about('orchestration', event.name), ...versionOf(event.version) };
      return { name, kind: 'client', attributes };
    }
    case 'timerCreated': {
      const fireAt = new Date(event.fireAt).toISOString();
      const attributes = { ...about('timer', orchestration), 'durabletask.fire_at': fireAt };
      return { name: `orchestration:${orchestration}:timer`, kind: 'internal', attributes };
    }
    case 'entityCalled':
    case 'entitySignalled': {
      const isSignal = event.kind === 'entitySignalled';
      const attributes = {
        'durabletask.type': 'entity',
        'durabletask.task.operation': isSignal ? 'signal_entity' : 'call_entity',
        'durabletask.event.target_instance_id': event.entityId,
        'durabletask.task.instance_id': instanceId,
      };
      const { name } = toEntityName(event.entityId);
      return { name: `entity:${name}:${event.operation}`, kind: isSignal ? 'producer' : 'client', attributes };
    }
    default:
      return undefined;
  }
}

function failureOf(event: HistoryEvent): string | undefined {
  if (event.kind === 'entityAnswered') return event.isError === true ? (event.result ?? '') : undefined;
  return 'failure' in event ? event.failure.reason.split('\n', 1)[0] : undefined;
}

function withVersion(name: string, version: string | undefined): string {
  return version === undefined || version === '' ? name : `${name}@(${version})`;
}

function versionOf(version: string | undefined): Attributes {
  return version === undefined || version === '' ? {} : { 'durabletask.task.version': version };
}
