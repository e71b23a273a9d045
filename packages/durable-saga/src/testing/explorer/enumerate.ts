import type { Activity } from '../../definition/activity';
import { toMilliseconds } from '../../definition/duration';
import type { Role } from '../../definition/retry';
import { planRetries } from '../../definition/retry';
import type { Saga } from '../../definition/saga';
import type { PathEvent } from '../../diagram/path';
import type { AttemptAddress, Fault, FaultKind, OperatorDecision } from '../fault';
import type { Run, RunAttempt } from '../run';

/*
 * Which faults can strike a run is read from a run: what it tried, which ports that called, how many turns it took. So a
 * run with faults tells of what only such runs do: undos, later attempts, other ways.
 */

/** What of a run says which faults could strike it. */
export type Reach = Pick<Run, 'instanceId' | 'attempts' | 'turns'>;

/** What the faults of a run depend on, besides the run. */
export interface Known {
  readonly activities: ReadonlyMap<string, Activity<never, unknown, never>>;
  /** Names of activities that are told of a saga's end: they are tried for ever. */
  readonly settling: ReadonlySet<string>;
  readonly events: readonly PathEvent[];
  readonly kinds: ReadonlySet<FaultKind>;
  readonly operator: readonly OperatorDecision[];
}

const USUAL_DECISIONS: readonly OperatorDecision[] = ['retry', 'skip', 'fail'];

/** One thing that a run tried: a step, or the undo of a step. */
export interface Target {
  readonly step: string;
  readonly isUndo: boolean;
}

export function known(
  sagas: readonly Saga<never, unknown>[],
  activities: readonly Activity<never, unknown, never>[],
  {
    events = [],
    kinds,
    operator = USUAL_DECISIONS,
  }: {
    readonly events?: readonly PathEvent[] | undefined;
    readonly kinds: readonly FaultKind[];
    readonly operator?: readonly OperatorDecision[] | undefined;
  },
): Known {
  const byName = activities.flatMap((activity) =>
    [activity.name, activity.undoName ?? []].flat().map((name) => [name, activity] as const),
  );
  return {
    activities: new Map(byName),
    settling: new Set(sagas.flatMap(({ settled, parked }) => [settled?.name ?? [], parked?.name ?? []].flat())),
    events,
    kinds: new Set(kinds),
    operator,
  };
}

export function idOf({ step, isUndo }: Target): string {
  return isUndo ? `undo of ${step}` : step;
}

/** What a run tried, each once, in the order in which it was first tried. */
export function targetsOf({ attempts }: Reach): Target[] {
  return [...new Map(attempts.map((attempt) => [idOf(attempt), attempt])).values()].map(({ step, isUndo }) => ({
    step,
    isUndo,
  }));
}

/** Every fault that can strike the first attempt of a target, and those after it. */
export function faultsOfTarget(reach: Reach, { step, isUndo }: Target, what: Known): Fault[] {
  const own = reach.attempts.filter((attempt) => attempt.step === step && attempt.isUndo === isUndo);
  const [first] = own;
  if (first === undefined) return [];
  const at: AttemptAddress = { step, ...(isUndo ? { undo: true } : {}) };
  const role = roleOf(first, reach, what);
  const calls = Math.max(...own.map((attempt) => attempt.calls.length));
  const faults = [
    ...callFaults(at, calls, role, what, manyOf(first, role, what)),
    ...platformFaults(at, role, manyOf(first, role, what)),
    ...lateFaults(at, first, role, manyOf(first, role, what)),
    ...twiceFaults(at),
  ];
  return faults.filter(({ kind }) => what.kinds.has(kind));
}

/**
 * Faults that strike single attempts after the first: there are such only where something else went wrong before. None is
 * a refusal: who says that nothing has happened must know of the attempts before.
 */
export function faultsOfLaterAttempts({ attempts }: Reach, { kinds }: Known): Fault[] {
  const later = attempts.filter(({ attempt }) => attempt > 1 && attempt <= LAST_LATER);
  const faults = later.flatMap(({ step, isUndo, attempt, calls, timeout }): Fault[] => {
    const at: AttemptAddress = { step, ...(isUndo ? { undo: true } : {}), attempt };
    return [
      ...numbers(calls.length).flatMap((call): Fault[] => [
        { kind: 'call', ...at, call, when: 'before', as: 'broken' },
        { kind: 'call', ...at, call, when: 'after' },
        { kind: 'call', ...at, call, when: 'after', as: 'broken' },
      ]),
      { kind: 'platform', ...at, when: 'after' },
      ...(timeout === undefined ? [] : [{ kind: 'late', ...at, what: 'effect' } as const]),
      { kind: 'twice', ...at, how: 'later' },
    ];
  });
  return faults.filter(({ kind }) => kinds.has(kind));
}

/** Of many attempts the first few tell. */
const LAST_LATER = 3;

/** Kills, events and cancels: they strike the saga at a moment, whatever it is doing. */
export function faultsOfMoments(reach: Reach, what: Known): Fault[] {
  const faults = [...killFaults(reach), ...eventFaults(reach, what.events), ...cancelFaults(reach)];
  return faults.filter(({ kind }) => what.kinds.has(kind));
}

/** All faults that can strike a run. */
export function faultsOf(reach: Reach, what: Known): Fault[] {
  return [
    ...targetsOf(reach).flatMap((target) => faultsOfTarget(reach, target, what)),
    ...faultsOfLaterAttempts(reach, what),
    ...faultsOfMoments(reach, what),
  ];
}

/** `settled` is tried for ever, so that nothing can be for good. */
function roleOf({ name, isUndo, instanceId, turn }: RunAttempt, { turns }: Reach, { settling }: Known): Role {
  if (settling.has(name)) return 'settled';
  if (isUndo) return 'undo';
  const asked = turns.find((one) => one.instanceId === instanceId && one.number === turn);
  return asked?.canCancel === false ? 'forward' : 'step';
}

/** So many failures in a row as are worth more than one: all, where attempts get used up before the pivot, else a few. */
function manyOf({ name }: RunAttempt, role: Role, { activities }: Known): 'always' | number {
  const policy = activities.get(name)?.retry ?? {};
  if (role !== 'step') return A_FEW;
  return planRetries(role, policy, `activity '${name}'`).attempts <= FEW_ENOUGH ? 'always' : A_FEW;
}

const A_FEW = 3;
/** Each attempt is two turns and more, which are replayed. */
const FEW_ENOUGH = 12;

/** What an operator may say of what parked. Of a step it can't be said that it failed when it may have had its effect. */
function decisionsOf(role: Role, hadEffect: boolean, { operator }: Known): readonly (OperatorDecision | undefined)[] {
  if (role === 'undo') return operator;
  if (role === 'forward') return hadEffect ? operator.filter((decision) => decision !== 'fail') : operator;
  return [undefined];
}

const WHENS = ['before', 'after'] as const;

function callFaults(at: AttemptAddress, calls: number, role: Role, what: Known, many: 'always' | number): Fault[] {
  const each = numbers(calls).flatMap((call) =>
    WHENS.flatMap((when): Fault[] => {
      const fault = { kind: 'call', ...at, call, when } as const;
      return [
        fault,
        { ...fault, times: many },
        ...(role === 'settled' ? [] : decisionsOf(role, call > 1 || when === 'after', what)).map((decision): Fault => ({
          ...fault,
          as: 'broken',
          ...(decision === undefined ? {} : { then: decision }),
        })),
      ];
    }),
  );
  const mayBeRefused = calls > 0 && (role === 'step' || role === 'forward');
  return mayBeRefused ? [...each, { kind: 'call', ...at, call: 1, when: 'before', as: 'refused' }] : each;
}

function platformFaults(at: AttemptAddress, role: Role, many: 'always' | number): Fault[] {
  return WHENS.flatMap((when): Fault[] => {
    const fault = { kind: 'platform', ...at, when } as const;
    return role === 'step' ? [fault, { ...fault, times: many }] : [fault];
  });
}

function lateFaults(at: AttemptAddress, { timeout }: RunAttempt, role: Role, many: 'always' | number): Fault[] {
  return (['effect', 'answer'] as const).flatMap((what): Fault[] => {
    const fault = { kind: 'late', ...at, what } as const;
    return timeout !== undefined && role === 'step' ? [fault, { ...fault, times: many }] : [fault];
  });
}

function twiceFaults(at: AttemptAddress): Fault[] {
  return (['after', 'together', 'later'] as const).map((how) => ({ kind: 'twice', ...at, how }));
}

function killFaults({ instanceId, turns }: Reach): Fault[] {
  return turns.flatMap(({ instanceId: own, number: turn }) =>
    WHENS.map((when): Fault => ({ kind: 'kill', turn, when, ...(own === instanceId ? {} : { instance: own }) })),
  );
}

function eventFaults(reach: Reach, events: readonly PathEvent[]): Fault[] {
  const counts = new Map<string, number>();
  return events.flatMap(({ event, after }, at) => {
    const nth = (counts.get(event) ?? 0) + 1;
    counts.set(event, nth);
    const hows = [
      'early',
      'late',
      'doubled',
      'missing',
      ...(at < events.length - 1 ? ['swapped' as const] : []),
    ] as const;
    const fault = { kind: 'event', event, ...(nth === 1 ? {} : { nth }) } as const;
    return [
      ...hows.map((how): Fault => ({ ...fault, how })),
      ...justTooLate(reach, event, toMilliseconds(after, `event '${event}'`)).map((by): Fault => ({
        ...fault,
        how: 'late',
        by,
      })),
    ];
  });
}

/** By how many milliseconds an event that comes at a time must be late to come just after each deadline for it. */
function justTooLate({ turns }: Reach, event: string, at: number): number[] {
  const deadlines = turns.flatMap(({ waitingFor }) => (waitingFor?.event === event ? (waitingFor.until ?? []) : []));
  return [...new Set(deadlines)].filter((until) => until >= at).map((until) => until - at + JUST_TOO_LATE);
}

const JUST_TOO_LATE = 1_000;

/** The last turn ends in no wait. */
function cancelFaults({ instanceId, turns }: Reach): Fault[] {
  const own = turns.filter((turn) => turn.instanceId === instanceId);
  return [
    { kind: 'cancel', wait: 0 },
    ...own.slice(0, -1).flatMap(({ number: wait }): Fault[] => [
      { kind: 'cancel', wait },
      { kind: 'cancel', wait, how: 'behind' },
    ]),
  ];
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}
