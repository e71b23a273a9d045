// Definitions.
export { activity } from './activity';
export type { Activity, ActivityOptions, StepContext, StepContextWithClient, Undo } from './activity';
export { saga } from './saga';
export type { ChildOptions, EventSchemas, Saga, SagaBody, SagaContext, SagaOptions, StepOptions } from './saga';
export { many } from './many-events';
export type { ManyEvents } from './many-events';
export type { BodyTurn, Operation, Turn } from './operation';
export type { Branch, GroupOptions, MapTolerance, MappedMember, Member } from './members';
export type { Duration } from './duration';
export type { RetryPolicy } from './retry';
export { claiming } from './claimed';
export type { Claimed, ClaimingSchema } from './claimed';

// Failures and ends.
export { SagaStepError, StepFailure } from './failure';
export type { Effect, Failure, FailureKind, Issue, Settled, StepFailureOptions } from './failure';
export { parkNoticeSchema } from './park-notice';
export type { ParkNotice } from './park-notice';
export { settlementSchema } from './settlement';
export type { OutcomeKind, SagaOutcome, Settlement } from './settlement';

// Running them, and talking to those that run.
export { registerSagas } from './register';
export type { Registration } from './register';
export { loadClaimed } from './claim-check';
export type { ClaimCheckOptions, PayloadStore } from './claim-check';
export type { DurableClient } from './durable-functions';
export { sagaClients } from './client/saga-clients';
export type { SagaClient, SagaClients, StartedSaga } from './client/saga-clients';
export type { RecoveryAnswer, RecoveryHandle } from './client/recover';
export type { RaiseOptions, SagaHandle } from './client/saga-handle';
export { SagaIdTaken, SagaInputError } from './client/start';
export type { StartOptions } from './client/start';
export { createInMemoryStarts } from './in-memory-starts';
export type { StartClaim, StartNote, StartStore } from './start-store';
export { SagaResultError, SagaResultTimeout } from './client/result';
export type { ResultOptions } from './client/result';
export type { Answer, Refusal } from './client/answer';
export type { Decision, ResolveOptions } from './client/resolve';
export type { CancelOptions } from './client/cancel';
export type { ListFilter } from './client/list';
export type { InstanceState, InstanceStatus, RuntimeStatus } from './client/instance-status';
export type { DurableClientPort, FoundInstance } from './client/durable-client';
export type { Resolution, RetryEvent } from './parking';
export type {
  AlsoParked,
  ParkedStatus,
  SagaState,
  SagaStatus,
  ShownFailure,
  StepState,
  StepStatus,
  StepSum,
} from './status';
