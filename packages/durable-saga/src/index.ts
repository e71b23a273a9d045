// Definitions.
export { activity } from './definition/activity';
export type { Activity, ActivityOptions, StepContext, StepContextWithClient, Undo } from './definition/activity';
export { saga } from './definition/saga';
export type {
  ChildOptions,
  EventSchemas,
  Saga,
  SagaBody,
  SagaContext,
  SagaOptions,
  StepOptions,
} from './definition/saga';
export { many } from './definition/many-events';
export type { ManyEvents } from './definition/many-events';
export type { BodyTurn, Operation, Turn } from './definition/operation';
export type { Branch, GroupOptions, MapTolerance, MappedMember, Member } from './definition/members';
export type { Duration } from './definition/duration';
export type { RetryPolicy } from './definition/retry';
export { claiming } from './definition/claimed';
export type { Claimed, ClaimingSchema } from './definition/claimed';
export type { DeepReadonly } from './definition/schema';

// Failures and ends.
export { SagaStepError, StepFailure } from './definition/failure';
export type { Effect, Failure, FailureKind, Issue, Settled, StepFailureOptions } from './definition/failure';
export { parkNoticeSchema } from './definition/park-notice';
export type { ParkNotice } from './definition/park-notice';
export { settlementSchema } from './definition/settlement';
export type { OutcomeKind, SagaOutcome, Settlement } from './definition/settlement';

// Running them, and talking to those that run.
export { registerSagas } from './host/register';
export type { Registration } from './host/register';
export type { AttemptEnd, Contact, Invocation, ObservedAttempt, SagaObserver } from './definition/observer';
export { loadClaimed } from './store/claim-check';
export type { ClaimCheckOptions, PayloadStore } from './store/claim-check';
export type { DurableClient } from './host/durable-functions';
export { sagaClients } from './client/saga-clients';
export type { SagaClient, SagaClients, StartedSaga } from './client/saga-clients';
export type { RecoveryAnswer, RecoveryHandle } from './client/recover';
export type { RaiseOptions, SagaHandle } from './client/saga-handle';
export { SagaIdTaken, SagaInputError, SagaStartPending } from './client/start';
export type { StartOptions } from './client/start';
export type { StartClaim, StartNote, StartStore } from './store/start-store';
export { SagaResultError, SagaResultTimeout } from './client/result';
export type { ResultOptions } from './client/result';
export type { Answer, Refusal } from './client/answer';
export type { Decision, ResolveOptions } from './client/resolve';
export type { CancelOptions } from './client/cancel';
export type { ListFilter } from './client/list';
export type { InstanceState, InstanceStatus, RuntimeStatus } from './client/instance-status';
export type { DurableClientPort, FoundInstance } from './client/durable-client';
export type { Resolution, RetryEvent } from './runner/parking';
export type {
  AlsoParked,
  ParkedStatus,
  SagaState,
  SagaStatus,
  ShownFailure,
  StepState,
  StepStatus,
  StepSum,
} from './runner/status';
