import { StepFailure } from '../../src';
import type { Baseline, TableStep } from './failure-table';
import { SLOW } from './failure-table';
import { goesBack, parks } from './failure-oracle';
import type { SimulatedHost } from '../../src/testing/simulated-host';
import type { Attempt, Treatment } from '../../src/testing/treatment';
import type { PortCall, WatchedAttempts } from './watched-attempts';

type Fault = WatchedAttempts['fault'];

/** What goes wrong with a step. */
export interface Trouble {
  readonly title: string;
  readonly fault?: Fault;
  readonly treat?: (attempt: Attempt) => Treatment | undefined;
  /** Done before the saga's first turn. */
  readonly meanwhile?: (host: SimulatedHost, id: string) => Promise<void>;
  /** The step fails for good. */
  readonly gaveUp: boolean;
  /** It says for sure that nothing happened. */
  readonly isRefused: boolean;
  /** How many of the step's calls of ports have had their effect when it is given up. */
  readonly effects: number;
  /** Milliseconds after the start. */
  readonly cancelAt?: number;
  /** So many attempts that replaying them at each turn takes long. */
  readonly isLong?: boolean;
}

/** What goes wrong after that: with every undo, or until an operator has decided about what parks. */
export interface Aftermath {
  readonly title: string;
  readonly fault?: Fault;
  readonly treat?: (attempt: Attempt) => Treatment | undefined;
  readonly decision: 'retry' | 'skip' | 'fail';
  /** Each undo parks. */
  readonly undosFail: boolean;
}

export interface TroubleKind {
  readonly title: string;
  /** All of the kind, for a step that calls so many ports. */
  readonly make: (calls: number) => readonly Trouble[];
}

const lost = (): Error => Object.assign(new Error('failed on purpose'), { code: 'ECONNRESET' });
const broken = (): Error =>
  new StepFailure({ code: 'broken', message: 'failed for good, on purpose', effect: 'unknown' });
const refused = (): Error => new StepFailure({ code: 'refused', message: 'refused on purpose', effect: 'none' });

const WHENS = ['before', 'after'] as const;
/** Longer than the step's timeout. */
const TOO_LONG = 15_000;

export function troublesOf(step: TableStep): readonly TroubleKind[] {
  const { name, key, timeout, role } = step;
  const isOwn = (call: Pick<PortCall, 'activity' | 'key'>): boolean => call.activity === name && call.key === key;
  const isOwnAttempt = (attempt: Attempt): boolean => attempt.name === name && attempt.key === key;
  /** Before the pivot attempts are few, so that they can be used up. */
  const isBefore = role === 'compensatable' || role === 'call';
  const fails = role !== 'settled';

  const atCalls = (title: string, make: () => Error, attempts: number, gaveUp: boolean) => (calls: number) =>
    range(calls).flatMap((nth) =>
      WHENS.map((wanted): Trouble => {
        const fault: Fault = (call, when) =>
          isOwn(call) && call.attempt <= attempts && call.nth === nth && when === wanted ? make() : undefined;
        const effects = wanted === 'before' ? nth - 1 : nth;
        return {
          title: `${title} ${wanted} its call ${nth}`,
          fault,
          gaveUp,
          isRefused: false,
          effects,
          isLong: attempts > 2,
        };
      }),
    );
  const treated = (title: string, attempts: number, treatment: Treatment, effects: number): TroubleKind => {
    const treat = (attempt: Attempt) => (isOwnAttempt(attempt) && attempt.attempt <= attempts ? treatment : undefined);
    return {
      title,
      make: () => [{ title, treat, gaveUp: attempts === Infinity, isRefused: false, effects, isLong: attempts > 2 }],
    };
  };
  const late = (title: string, treatment: Treatment): TroubleKind[] =>
    timeout === undefined
      ? []
      : [
          treated(`${title} once`, 1, treatment, Infinity),
          isBefore
            ? treated(`${title} always`, Infinity, treatment, Infinity)
            : treated(`${title} twice`, 2, treatment, 0),
        ];

  return [
    { title: 'fails once, before and after each of its effects', make: atCalls('fails once', lost, 1, false) },
    { title: 'fails for good, before and after each of its effects', make: atCalls('is broken', broken, 1, fails) },
    ...(isBefore
      ? [
          {
            title: 'fails until its attempts are used up, before and after each of its effects',
            make: atCalls('fails always', lost, Infinity, true),
          },
          treated('is stopped by the platform before its effect, always', Infinity, { hostFails: 'before' }, 0),
          treated('is stopped by the platform after its effect, always', Infinity, { hostFails: 'after' }, Infinity),
        ]
      : []),
    {
      title: 'is refused',
      make: (calls) =>
        calls === 0
          ? []
          : [
              {
                title: 'is refused',
                fault: (call, when) =>
                  isOwn(call) && call.attempt === 1 && call.nth === 1 && when === 'before' ? refused() : undefined,
                gaveUp: fails,
                isRefused: true,
                effects: 0,
              },
            ],
    },
    treated('is stopped by the platform before its effect, once', 1, { hostFails: 'before' }, 0),
    treated('is stopped by the platform after its effect, once', 1, { hostFails: 'after', as: 'failureDetails' }, 0),
    ...late('times out, with its effect later,', { delay: (timeout ?? 0) + TOO_LONG }),
    ...late('times out, with its effect before and its answer after,', { answersAfter: (timeout ?? 0) + TOO_LONG }),
  ];
}

/** Cancels before a step, while it is under way, with its answer, after it, and while it waits for its next attempt. */
export function cancelsOf(step: TableStep, { begins }: Baseline): readonly Trouble[] {
  const begin = begins.get(step.key) ?? 0;
  const treat = (): Treatment => ({ delay: SLOW });
  const cancel = (title: string, cancelAt: number, more: Partial<Trouble> = {}): Trouble => ({
    title: `is cancelled ${title}`,
    treat,
    gaveUp: false,
    isRefused: false,
    effects: 0,
    cancelAt,
    meanwhile: raiseAt(cancelAt),
    ...more,
  });
  return [
    // One that is there from the start is met at the saga's first wait.
    cancel('before it', Math.max(1, begin - SLOW / 2), begin === 0 ? { meanwhile: raiseAt(0) } : {}),
    cancel('while it is under way', begin + SLOW / 2),
    cancel('with its answer, ahead of it', begin + SLOW),
    cancel('with its answer, behind it', begin + SLOW + 1, {
      async meanwhile(host, id) {
        const at = host.now + begin + SLOW;
        await host.run({ until: at - 1 });
        await host.raiseAt(at, id, 'cancel', { reason: 'on purpose' });
      },
    }),
    cancel('after it', begin + (3 * SLOW) / 2),
    // What comes next has not begun then.
    cancel('while it waits for its next attempt', begin + SLOW, {
      meanwhile: raiseAt(begin + SLOW + 100),
      fault: (call, when) =>
        call.activity === step.name &&
        call.key === step.key &&
        call.attempt === 1 &&
        call.nth === 1 &&
        when === 'before'
          ? lost()
          : undefined,
      gaveUp: true,
    }),
  ];
}

function raiseAt(moment: number): NonNullable<Trouble['meanwhile']> {
  return (host, id) => host.raiseAt(host.now + moment, id, 'cancel', { reason: 'on purpose' });
}

/** Everything that can follow a trouble; where nothing is undone and nothing parks, that is one. */
export function aftermathsOf(step: TableStep, trouble: Trouble, baseline: Baseline): readonly Aftermath[] {
  if (goesBack(step, trouble, baseline)) return UNDOS;
  if (!parks(step, trouble)) return UNDOS.slice(0, 1);
  // Who says of a pivot that it failed must know that it had no effect.
  const isTrue = ({ decision }: Aftermath): boolean =>
    decision !== 'fail' || step.role !== 'pivot' || trouble.effects === 0;
  return DECISIONS.map((decision) => ({ title: `then ${decision}`, decision, undosFail: false })).filter(isTrue);
}

const DECISIONS = ['retry', 'skip', 'fail'] as const;

/** Longer than an undo of the table may take. */
const LATE = 45_000;

/** An undo's attempt fails at its call of the same number: so it breaks off everywhere. */
const atEachCall =
  (wanted: 'before' | 'after'): Fault =>
  (call, when) =>
    call.nth === call.attempt && when === wanted ? lost() : undefined;
const onFirst =
  (wanted: 'before' | 'after'): Fault =>
  (call, when) =>
    call.attempt === 1 && call.nth === 1 && when === wanted ? broken() : undefined;
const treatFirst =
  (treatment: Treatment) =>
  ({ attempt }: Attempt): Treatment | undefined =>
    attempt === 1 ? treatment : undefined;

const UNDOS: readonly Aftermath[] = [
  { title: 'undos work', decision: 'retry', undosFail: false },
  {
    title: 'undos fail before each of their effects',
    fault: atEachCall('before'),
    decision: 'retry',
    undosFail: false,
  },
  { title: 'undos fail after each of their effects', fault: atEachCall('after'), decision: 'retry', undosFail: false },
  { title: 'undos have a late effect', treat: treatFirst({ delay: LATE }), decision: 'retry', undosFail: false },
  { title: 'undos answer late', treat: treatFirst({ answersAfter: LATE }), decision: 'retry', undosFail: false },
  {
    title: 'undos are stopped by the platform before their effect',
    treat: treatFirst({ hostFails: 'before' }),
    decision: 'retry',
    undosFail: false,
  },
  {
    title: 'undos are stopped by the platform after their effect',
    treat: treatFirst({ hostFails: 'after' }),
    decision: 'retry',
    undosFail: false,
  },
  ...DECISIONS.map((decision) => ({
    title: `undos fail for good before their effect, then ${decision}`,
    fault: onFirst('before'),
    decision,
    undosFail: true,
  })),
  ...(['retry', 'skip'] as const).map((decision) => ({
    title: `undos fail for good after their first effect, then ${decision}`,
    fault: onFirst('after'),
    decision,
    undosFail: true,
  })),
];

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}
