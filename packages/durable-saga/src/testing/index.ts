// Sagas on a host in the test's process, whose time is simulated.
export { createSagaHost } from './saga-host';
export type { SagaHost, SagaHostOptions } from './saga-host';
export type { Attempt, Treatment } from './treatment';
export type { Mode } from './turns';
export { SagaDivergence } from './divergence';

// Faults and what comes of them.
export { describeFault, FAULT_KINDS } from './fault';
export type {
  AttemptAddress,
  CallFault,
  CancelFault,
  EventFault,
  Fault,
  FaultKind,
  KillFault,
  LateFault,
  OperatorDecision,
  PlatformFault,
  TwiceFault,
} from './fault';
export type { Books, Run, RunAttempt, RunEvent, RunParking, RunTurn, Violation } from './run';
export type { ExplorationSetup, Invariant, World, WorldClock } from './exploration-setup';
export { runSchedule } from './run-schedule';

// Histories of instances, held against today's code.
export { HistoryReplayer, replayHistory } from './histories/replay-history';
export type { ReplayedCode, ReplayVerdict } from './histories/replay-history';
export { recordPath } from './histories/record-path';
export type { PathRecording } from './histories/record-path';
export { describeGate, runReplayGate } from './histories/replay-gate';
export type { GateGroup, GateResult, ReplayGateOptions } from './histories/replay-gate';
export { InstanceSource, InstanceSourceError } from './histories/instance-source';
export type { InstanceSourceOptions, InstanceWithHistory, ListedInstance } from './histories/instance-source';

// Finding what goes wrong.
export { defineExploration } from './explorer/define-exploration';
export { exploreSaga } from './explorer/explore-saga';
export type { Exploration, ExploreOptions } from './explorer/explore-saga';
export { ExplorationFailure } from './explorer/exploration-failure';
export type { Finding } from './explorer/exploration-failure';
export type { Coverage, KindCoverage } from './explorer/coverage';
export { sumUp } from './explorer/summary';
