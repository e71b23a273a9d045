/** How a stand-in misbehaves on purpose. Zero means: not at all. */
export interface FaultSettings {
  /** Every how manieth changing request answers 500 and does nothing. */
  readonly failBefore: number;
  /** Every how manieth changing request answers 500 although its effect came about. */
  readonly failAfter: number;
  /** How long every changing request takes, in milliseconds; its effect comes at the end of that time. */
  readonly stallMs: number;
}

type Fault = 'none' | 'before' | 'after';

/** The settings in force, with what they have done since they were last set. */
interface FaultReport extends FaultSettings {
  readonly requests: number;
  readonly failedBefore: number;
  readonly failedAfter: number;
}

export interface Faults {
  /** Counts one changing request and says what happens to it. When both are due, `before` wins. */
  next(): Fault;
  /** Changes the settings that `change` names and counts from the start again. Throws a `FaultSettingError`. */
  set(change: unknown): void;
  report(): FaultReport;
}

export class FaultSettingError extends Error {}

const NAMES = ['failBefore', 'failAfter', 'stallMs'] as const;

/** A longer stall could not be told from a stand-in that hangs. */
const LONGEST_STALL_MS = 600_000;

export function createFaults(initial: Partial<FaultSettings> = {}): Faults {
  let settings: FaultSettings = { failBefore: 0, failAfter: 0, stallMs: 0, ...initial };
  let counts = { requests: 0, failedBefore: 0, failedAfter: 0 };
  return {
    next() {
      counts.requests += 1;
      if (isDue(counts.requests, settings.failBefore)) {
        counts.failedBefore += 1;
        return 'before';
      }
      if (!isDue(counts.requests, settings.failAfter)) return 'none';
      counts.failedAfter += 1;
      return 'after';
    },
    set(change) {
      settings = { ...settings, ...toSettings(change) };
      counts = { requests: 0, failedBefore: 0, failedAfter: 0 };
    },
    report: () => ({ ...settings, ...counts }),
  };
}

function isDue(request: number, every: number): boolean {
  return every > 0 && request % every === 0;
}

function toSettings(change: unknown): Partial<FaultSettings> {
  if (typeof change !== 'object' || change === null || Array.isArray(change)) {
    throw new FaultSettingError(`expected an object with some of ${NAMES.join(', ')}, got ${JSON.stringify(change)}`);
  }
  for (const [name, value] of Object.entries(change)) {
    if (!NAMES.some((known) => known === name)) {
      throw new FaultSettingError(`expected some of ${NAMES.join(', ')}, got ${JSON.stringify(name)}`);
    }
    if (!Number.isSafeInteger(value) || value < 0 || (name === 'stallMs' && value > LONGEST_STALL_MS)) {
      const most = name === 'stallMs' ? ` of at most ${LONGEST_STALL_MS}` : '';
      throw new FaultSettingError(`${name}: expected an integer from 0${most}, got ${JSON.stringify(value)}`);
    }
  }
  return change;
}
