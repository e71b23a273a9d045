import { StepFailure } from '../definition/failure';
import type {
  AttemptAddress,
  CallFault,
  CancelFault,
  EventFault,
  Fault,
  KillFault,
  LateFault,
  OperatorDecision,
  PlatformFault,
  TwiceFault,
} from './fault';
import type { Treatment } from './treatment';

/** How much later than its timeout a late attempt is, in milliseconds. */
const TOO_LATE = 15_000;

/** An attempt that may be struck. */
export interface Struck {
  /** As a fault is addressed. */
  readonly step: string;
  readonly isUndo: boolean;
  readonly attempt: number;
  readonly timeout: number | undefined;
}

type AttemptFault = CallFault | PlatformFault | LateFault | TwiceFault;

/** The faults of one run: says which of them strike where, and remembers those that did. */
export class FaultPlan {
  readonly events: readonly EventFault[];
  readonly cancels: readonly CancelFault[];
  readonly #attempts = new Map<string, AttemptFault[]>();
  readonly #kills: readonly KillFault[];
  readonly #met = new Set<Fault>();
  readonly #faults: readonly Fault[];
  /** Addresses of what an operator has mended: nothing strikes there any more. */
  readonly #mended = new Set<string>();
  readonly #tell: (fault: Fault) => void;

  /** `tell` is told of each fault when it strikes. */
  constructor(faults: readonly Fault[], tell: (fault: Fault) => void) {
    this.#faults = faults;
    this.#tell = tell;
    this.events = faults.filter((fault) => fault.kind === 'event');
    this.cancels = faults.filter((fault) => fault.kind === 'cancel');
    this.#kills = faults.filter((fault) => fault.kind === 'kill');
    for (const fault of faults) {
      if (fault.kind === 'event' || fault.kind === 'cancel' || fault.kind === 'kill') continue;
      const address = addressOf(fault.step, fault.undo === true);
      this.#attempts.set(address, [...(this.#attempts.get(address) ?? []), fault]);
    }
  }

  /** Those that struck, in the order of the schedule. */
  get met(): readonly Fault[] {
    return this.#faults.filter((fault) => this.#met.has(fault));
  }

  strike(fault: Fault): void {
    this.#met.add(fault);
    this.#tell(fault);
  }

  /** What the platform does to an attempt. */
  treat(struck: Struck): Treatment | undefined {
    let treatment: Treatment | undefined;
    for (const fault of this.#strikingAt(struck)) {
      if (fault.kind === 'call') continue;
      this.strike(fault);
      treatment = { ...treatment, ...treatmentBy(fault, struck) };
    }
    return treatment;
  }

  /** What a call that an attempt makes of a port fails with. */
  failCall(struck: Struck, call: number, when: 'before' | 'after'): Error | undefined {
    if (this.#attempts.size === 0) return undefined;
    for (const fault of this.#strikingAt(struck)) {
      if (fault.kind !== 'call' || fault.call !== call || fault.when !== when) continue;
      this.strike(fault);
      return errorOf(fault);
    }
    return undefined;
  }

  killAt(instanceId: string, isRoot: boolean, turn: number): 'before' | 'after' | undefined {
    for (const fault of this.#kills) {
      const isMeant = fault.instance === undefined ? isRoot : fault.instance === instanceId;
      if (!isMeant || fault.turn !== turn || this.#met.has(fault)) continue;
      this.strike(fault);
      return fault.when;
    }
    return undefined;
  }

  /** What an operator says about something that has parked; it is mended then. */
  decide(step: string, isUndo: boolean): OperatorDecision {
    const address = addressOf(step, isUndo);
    const isMended = this.#mended.has(address);
    this.#mended.add(address);
    const decided = this.#attempts.get(address)?.find((fault) => this.#met.has(fault) && 'then' in fault);
    return isMended || decided === undefined || decided.kind === 'twice' ? 'retry' : (decided.then ?? 'retry');
  }

  #strikingAt({ step, isUndo, attempt }: Struck): readonly AttemptFault[] {
    const address = addressOf(step, isUndo);
    const faults = this.#attempts.get(address);
    if (faults === undefined || this.#mended.has(address)) return [];
    return faults.filter((fault) => isIn(fault, attempt));
  }
}

function addressOf(step: string, isUndo: boolean): string {
  return isUndo ? `undo of ${step}` : step;
}

function isIn({ attempt: first = 1, times = 1 }: AttemptAddress, attempt: number): boolean {
  return attempt >= first && (times === 'always' || attempt < first + times);
}

function treatmentBy(fault: PlatformFault | LateFault | TwiceFault, { timeout = 0 }: Struck): Treatment {
  switch (fault.kind) {
    case 'platform':
      return { hostFails: fault.when };
    case 'twice':
      return { twice: fault.how };
    case 'late': {
      const by = fault.by ?? timeout + TOO_LATE;
      return fault.what === 'effect' ? { delay: by } : { answersAfter: by };
    }
  }
}

function errorOf({ as = 'lost', when, call }: CallFault): Error {
  const where = `call ${call}, ${when} its effect, on purpose`;
  if (as === 'lost') return Object.assign(new Error(`failed at ${where}`), { code: 'ECONNRESET' });
  const effect = as === 'refused' ? 'none' : 'unknown';
  return new StepFailure({ code: as, message: `${as} at ${where}`, effect });
}
