// Definitions.
export { activity } from './activity';
export type { Activity, ActivityOptions, StepContext, StepContextWithClient, Undo } from './activity';
export { saga } from './saga';
export type { EventSchemas, Saga, SagaBody, SagaContext, SagaOptions, StepOptions } from './saga';
export type { Operation, Turn } from './operation';
export type { Duration } from './duration';
export type { RetryPolicy } from './retry';

// Failures and ends.
export { SagaStepError, StepFailure } from './failure';
export type { Effect, Failure, FailureKind, Issue, StepFailureOptions } from './failure';
export { parkNoticeSchema } from './park-notice';
export type { ParkNotice } from './park-notice';
export { settlementSchema } from './settlement';
export type { OutcomeKind, SagaOutcome, Settlement } from './settlement';

// Running them, and talking to those that run.
export { registerSagas } from './register';
export type { Registration } from './register';
export type { DurableClient } from './durable-functions';
export { SagaInputError, sagas } from './client';
export type {
  Answer,
  CancelOptions,
  DurableClientPort,
  InstanceStatus,
  RuntimeStatus,
  SagaClient,
  StartOptions,
} from './client';
export type { Resolution, RetryEvent } from './parking';
export type { ParkedStatus, SagaState, SagaStatus, ShownFailure, StepState, StepStatus, StepSum } from './status';
