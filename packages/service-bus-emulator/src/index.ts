export type {
  Activity,
  Broker,
  BrokerQuotas,
  MessageCounts,
  QueueView,
  SubscriptionView,
  TopicView,
} from './broker/broker';
export type {
  Namespace,
  QueueOptions,
  Rule,
  SubscriptionDeclaration,
  SubscriptionOptions,
  TopicOptions,
} from './broker/entities';
export { BrokerError, type BrokerErrorCode } from './broker/errors';
export type { StoredMessage } from './broker/message';
export { type Clock, realClock } from './clock';
export { type Emulator, type EmulatorTls, startEmulator } from './emulator';
export { EmulatorError } from './emulator-error';
export type { EmulatorLog, EmulatorLogLevel } from './log';
export { splitMessage } from './message/content';
export type { EmulatorOptions, Quotas, TlsOptions } from './options';
export type { Filter } from './rules/filter';
export type { SasKey } from './sas';
