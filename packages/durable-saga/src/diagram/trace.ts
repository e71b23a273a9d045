import type { Activity, Reply } from '../definition/activity';
import type { ChildEnd } from '../runner/child-end';
import { runSaga } from '../runner/run-saga';
import type { Saga } from '../definition/saga';
import type { OutcomeKind, SagaOutcome } from '../definition/settlement';
import type { SagaPath } from './path';
import type { ScriptedCall } from './scripted-instance';
import { ScriptedInstance } from './scripted-instance';
import type { Passage, Place, Strand } from './watch-body';
import { watchSaga } from './watch-body';

/** The steps that a saga asked for along a path, and where it led. */
export interface Trace {
  readonly title: string;
  readonly body: Strand;
  /** Undos of the way back, in the order in which they ran; those of one layer ran side by side. */
  readonly undos: readonly (readonly UndoCall[])[];
  /** Undos after which the saga went on: of what lost a race, or failed in a group that bears it. */
  readonly undosOnTheWay: readonly UndoCall[];
  /** `parked`: it waits for an operator, or for an event that the path does not have. */
  readonly ended: OutcomeKind | 'parked';
  /** The orchestration's output, if it came to its end. */
  readonly outcome: SagaOutcome | undefined;
  /** Key of what waits for an operator. */
  readonly parkedAt: string | undefined;
  /** Names and keys of all activities that were called, in that order. */
  readonly calls: readonly ScriptedCall[];
}

interface UndoCall {
  readonly activity: string;
  /** The step that it undoes; undefined when that belongs to a child saga. */
  readonly of: Place | undefined;
}

export interface TraceOptions {
  /** Default: the saga's name. */
  readonly instanceId?: string;
  /** Answers a call in place of the path's script. */
  readonly answer?: (call: ScriptedCall) => Reply | undefined;
}

/**
 * Plays a path without running any activity, through the very runner that runs the saga on a host, and tells what the
 * saga did. Throws what a broken path brings about, such as a duration that is none.
 */
export function tracePath(saga: Saga<never, unknown>, path: SagaPath<unknown>, options: TraceOptions = {}): Trace {
  const { instanceId = saga.name, answer = () => undefined } = options;
  const body: Strand = { name: undefined, passages: [] };
  const activities = new Map<string, Activity<never, unknown, never>>();
  const sagas = new Map<string, Saga<never, unknown>>([[saga.name, saga]]);
  for (const own of [saga.settled, saga.parked]) if (own !== undefined) activities.set(own.name, own);
  const meet = (definition: Activity<never, unknown, never> | Saga<never, unknown>): void => {
    if ('bind' in definition) activities.set(definition.name, definition);
    else sagas.set(definition.name, definition);
  };
  const play = (
    name: string,
    id: string,
    input: unknown,
    strand: Strand,
  ): [ScriptedInstance, SagaOutcome | ChildEnd | undefined] => {
    const own = sagas.get(name);
    if (own === undefined) throw new Error(`there is no saga '${name}'`);
    const instance = new ScriptedInstance(
      id,
      { ...path, input },
      {
        answer,
        playChild: (child, childId, start) => play(child, childId, start, { name: undefined, passages: [] })[1],
      },
    );
    const watched = watchSaga(own, () => strand, meet);
    do {
      const life = runSaga(instance, watched, { activities, sagas, claims: UNLIMITED });
      for (let isDone = false; !isDone;) {
        const { done, value } = life.next();
        if (done && value !== undefined) return [instance, value];
        if (!done && !instance.advance(value)) return [instance, undefined];
        isDone = done === true;
      }
    } while (instance.beginNext());
    return [instance, undefined];
  };
  const [instance, end] = play(saga.name, instanceId, path.input, body);
  // Only a child's end is anything else.
  const outcome = end as SagaOutcome | undefined;
  return {
    title: path.title,
    body,
    ...readUndos(instance.calls, activities, placesByKey(body)),
    ended: outcome?.outcome ?? 'parked',
    outcome,
    parkedAt: instance.status?.parked?.key,
    calls: instance.calls,
  };
}

/** A script travels nowhere. */
const UNLIMITED = { tooLarge: () => undefined };

/** All passages of a strand, those of groups and branches included. */
export function* walk(strand: Strand): Generator<Passage, void, unknown> {
  for (const passage of strand.passages) {
    yield passage;
    for (const member of passage.members) yield* walk(member);
  }
}

function placesByKey(body: Strand): ReadonlyMap<string, Place> {
  const places = new Map<string, Place>();
  for (const { key, place } of walk(body)) if (key !== undefined) places.set(key, place);
  return places;
}

function readUndos(
  calls: readonly ScriptedCall[],
  activities: ReadonlyMap<string, Activity<never, unknown, never>>,
  places: ReadonlyMap<string, Place>,
): Pick<Trace, 'undos' | 'undosOnTheWay'> {
  const undoNames = new Set([...activities.values()].map(({ undoName }) => undoName));
  const undos: UndoCall[][] = [];
  const undosOnTheWay: UndoCall[] = [];
  for (const { activity, key, beside, isGoingBack } of calls) {
    if (!undoNames.has(activity)) continue;
    const undo: UndoCall = { activity, of: places.get(key) };
    const layer = undos.at(-1);
    if (!isGoingBack) undosOnTheWay.push(undo);
    else if (beside > 0 && layer !== undefined) layer.push(undo);
    else undos.push([undo]);
  }
  return { undos, undosOnTheWay };
}
