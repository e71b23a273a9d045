import { pursue } from '../runner/attempts';
import { compensate } from '../runner/compensation';
import type { Definitions } from '../definition/definitions';
import type { Durable } from '../host/durable-port';
import type { Failure } from '../definition/failure';
import type { Fiber } from '../runner/fiber';
import { NEVER_HALT } from '../runner/halt';
import { Instance } from '../runner/instance';
import type { OwedReport } from './owed-report';
import { READ_OWED } from './owed-report';
import { planRetries } from '../definition/retry';
import type { Saga } from '../definition/saga';
import { schemaOf } from '../definition/schema';
import { tellSettled } from '../runner/tell';
import type { SagaOutcome } from '../definition/settlement';
import type { OwedData } from '../runner/undo-stack';
import { UndoStack } from '../runner/undo-stack';

/** What a recovery is started with. */
export interface RecoveryInput {
  /** Of the instance whose undos are to be run. */
  readonly id: string;
}

/**
 * The toolkit's own orchestrator that runs the undos of a saga which the platform ended. It looks like a saga from
 * outside: it has a status, parks, and takes an operator's decisions.
 */
export const recovery: Saga<RecoveryInput, unknown> = {
  name: 'durableSagaRecover',
  version: '1',
  input: schemaOf<RecoveryInput>(() => []),
  output: undefined,
  events: {},
  timeout: undefined,
  settled: undefined,
  parked: undefined,
  // eslint-disable-next-line require-yield -- it has a runner of its own
  *body() {
    throw new Error('a recovery has no body');
  },
};

/** Codes of recoveries that found nothing that they could do. */
export const REFUSED_CODES = ['nothing', 'pastPivot', 'notStopped', 'unreadable'] as const;

export function* runRecovery(durable: Durable, definitions: Definitions): Fiber<SagaOutcome> {
  const instance = new Instance(durable, recovery, { version: recovery.version, input: undefined }, definitions);
  const undos = new UndoStack();
  instance.progress.owes = () => undos.count;
  instance.progress.compensating = true;
  durable.showStatus(instance.progress);
  const outcome = yield* recover(instance, undos);
  instance.progress.outcome = outcome.outcome;
  return outcome;
}

function* recover(instance: Instance, undos: UndoStack): Fiber<SagaOutcome> {
  const { durable, progress, definitions } = instance;
  const { id } = durable.input as RecoveryInput;
  const report = yield* read(instance, id);
  if ('kind' in report) {
    durable.log('error', `saga ${id} could not be recovered: ${report.code}: ${report.message}`);
    progress.failure = report;
    return { outcome: 'compensationFailed', failure: report };
  }
  const { owed, failure, saga } = report;
  if (definitions.observed) durable.caller = [saga, recovery.version];
  progress.failure = failure;
  undos.restore(owed, definitions);
  durable.log('warn', `saga ${id} owes ${undos.count} undos, which are run: ${keysOf(owed).join(', ') || 'none'}`);
  const isComplete = (yield* compensate(instance, undos)) && !report.isIncomplete;
  const outcome = isComplete ? 'compensated' : 'compensationFailed';
  const settled = definitions.sagas.get(saga)?.settled;
  if (settled !== undefined) {
    yield* tellSettled(instance, settled, `${id}/${settled.name}#recover`, { saga, instanceId: id, outcome, failure });
  }
  durable.log(isComplete ? 'warn' : 'error', `saga ${id} was recovered: ${outcome}`);
  return { outcome, failure };
}

type Owing = Extract<OwedReport, { verdict: 'owes' }>;

/** Gives why there is nothing to run, where there is not. */
function* read(instance: Instance, id: string): Fiber<Owing | Failure> {
  const { durable, progress } = instance;
  const key = `${durable.instanceId}/${READ_OWED}#1`;
  const record = progress.begin(READ_OWED, key, durable.now());
  const read = yield* pursue(durable, {
    name: READ_OWED,
    key,
    input: { id },
    timeout: undefined,
    retries: planRetries('forward', {}, `activity '${READ_OWED}'`),
    record,
    halt: NEVER_HALT,
  });
  record.end(read.ok ? 'done' : 'failed', durable.now());
  if (!read.ok) return read.failure;
  const report = read.value as OwedReport;
  if (report.verdict === 'owes') return report;
  const { verdict: code, message } = report;
  return { kind: 'declared', code, message, retriable: false, effect: 'none' };
}

function keysOf(owed: readonly OwedData[]): string[] {
  return owed.flatMap((one) => ('group' in one ? keysOf(one.group) : one.key));
}
