import { availableParallelism } from 'node:os';
import { findKey, isJsonObject } from '../json-object';
import { parseTimeSpan } from './time-span';

/** `extensions.serviceBus` of host.json, for Service Bus triggers and outputs. Times are milliseconds. */
export interface ServiceBusOptions {
  /** Messages fetched beyond those that are being handled. */
  readonly prefetchCount: number;
  /** Messages that one function handles at once, if it takes them one by one. */
  readonly maxConcurrentCalls: number;
  /** Sessions that one function handles at once, if it takes messages one by one. */
  readonly maxConcurrentSessions: number;
  readonly maxConcurrentCallsPerSession: number;
  readonly maxMessageBatchSize: number;
  /** Fewer are waited for, up to `maxBatchWaitMs`. */
  readonly minMessageBatchSize: number;
  readonly maxBatchWaitMs: number;
  /** How long a session is kept without a message. */
  readonly sessionIdleMs: number;
  /** How long a message's or session's lock is renewed; Infinity for as long as its function runs. */
  readonly maxLockRenewalMs: number;
  readonly autoCompleteMessages: boolean;
  readonly transport: 'tcp' | 'webSockets';
  readonly retry: ServiceBusRetry;
}

/** `clientRetryOptions`: how a request to Service Bus is tried again. */
export interface ServiceBusRetry {
  readonly mode: 'exponential' | 'fixed';
  readonly maxRetries: number;
  readonly delayMs: number;
  readonly maxDelayMs: number;
  readonly tryTimeoutMs: number;
}

type Json = Readonly<Record<string, unknown>>;

const second = 1000;
const minute = 60 * second;
/** Half of the longest lock that an entity can have: batches are not renewed. */
const longestBatchWaitMs = 150 * second;

/**
 * Reads `extensions.serviceBus` with Azure's defaults. Keys are matched without case; the keys of version 4 of the
 * extension (`messageHandlerOptions` and others) are read where the newer ones are not set, as Azure does.
 * @throws Error naming the key, what was expected and what came.
 */
export function readServiceBusOptions(json: Json): ServiceBusOptions {
  const read = reader(json);
  const retry = readRetry(json);
  const options: ServiceBusOptions = {
    prefetchCount: read.whole(['prefetchCount'], 0, 0),
    maxConcurrentCalls: read.whole(
      ['maxConcurrentCalls', 'messageHandlerOptions.maxConcurrentCalls'],
      16 * availableParallelism(),
      1,
    ),
    maxConcurrentSessions: read.whole(['maxConcurrentSessions', 'sessionHandlerOptions.maxConcurrentSessions'], 8, 1),
    maxConcurrentCallsPerSession: read.whole(['maxConcurrentCallsPerSession'], 1, 1),
    maxMessageBatchSize: read.whole(['maxMessageBatchSize', 'batchOptions.maxMessageCount'], 1000, 1),
    minMessageBatchSize: read.whole(['minMessageBatchSize'], 1, 1),
    maxBatchWaitMs: read.span(['maxBatchWaitTime'], 30 * second, longestBatchWaitMs),
    sessionIdleMs: read.span(['sessionIdleTimeout', 'sessionHandlerOptions.messageWaitTime'], retry.tryTimeoutMs),
    maxLockRenewalMs: read.spanOrEndless(
      [
        'maxAutoLockRenewalDuration',
        'messageHandlerOptions.maxAutoRenewDuration',
        'sessionHandlerOptions.maxAutoRenewDuration',
      ],
      5 * minute,
    ),
    autoCompleteMessages: read.truth(
      [
        'autoCompleteMessages',
        'messageHandlerOptions.autoComplete',
        'sessionHandlerOptions.autoComplete',
        'batchOptions.autoComplete',
      ],
      true,
    ),
    transport: read.choice('transportType', { amqptcp: 'tcp', amqpwebsockets: 'webSockets' } as const, 'tcp'),
    retry,
  };
  if (options.minMessageBatchSize > options.maxMessageBatchSize) {
    throw new Error(
      `extensions.serviceBus.minMessageBatchSize (${options.minMessageBatchSize}) must not be above maxMessageBatchSize (${options.maxMessageBatchSize}).`,
    );
  }
  refuse(read, 'enableCrossEntityTransactions', 'the client library for Node has no transactions');
  refuse(read, 'webProxy', 'this host connects without a proxy');
  return options;
}

function readRetry(json: Json): ServiceBusRetry {
  const read = reader(json);
  return {
    mode: read.choice(
      'clientRetryOptions.mode',
      { exponential: 'exponential', fixed: 'fixed' } as const,
      'exponential',
    ),
    maxRetries: read.whole(['clientRetryOptions.maxRetries'], 3, 0),
    delayMs: read.span(['clientRetryOptions.delay'], 800),
    maxDelayMs: read.span(['clientRetryOptions.maxDelay'], minute),
    tryTimeoutMs: read.span(['clientRetryOptions.tryTimeout'], minute),
  };
}

/** An option that would change what the app does, if it had an effect. */
function refuse(read: ReturnType<typeof reader>, key: string, why: string): void {
  const value = read.first([key]);
  if (value === undefined || value.value === false || value.value === '') return;
  throw new Error(`extensions.serviceBus.${key} is not in this host: ${why}. Leave it out for local work.`);
}

/** Reads the first of some keys that is set; a dot leads into an object. */
function reader(json: Json) {
  const first = (keys: readonly string[]): { readonly key: string; readonly value: unknown } | undefined => {
    for (const key of keys) {
      const value = key
        .split('.')
        .reduce<unknown>((at, part) => (isJsonObject(at) ? at[findKey(at, part)] : undefined), json);
      if (value !== undefined && value !== null) return { key, value };
    }
    return undefined;
  };
  const fail = (key: string, expected: string, value: unknown): never => {
    throw new Error(`extensions.serviceBus.${key} must be ${expected}; got ${JSON.stringify(value)}.`);
  };
  const span = (keys: readonly string[], otherwise: number, most = Infinity): number => {
    const found = first(keys);
    if (found === undefined) return otherwise;
    const ms = typeof found.value === 'string' ? parseTimeSpan(found.value) : undefined;
    if (ms !== undefined && ms >= 0 && ms <= most) return ms;
    const range = most === Infinity ? '' : ` of at most ${most / second} seconds`;
    return fail(found.key, `a time span hh:mm:ss${range}`, found.value);
  };
  return {
    first,
    span,
    /** Azure writes "endless" as minus one millisecond. */
    spanOrEndless: (keys: readonly string[], otherwise: number): number => {
      const found = first(keys);
      const isEndless = typeof found?.value === 'string' && parseTimeSpan(found.value) === -1;
      return isEndless ? Infinity : span(keys, otherwise);
    },
    whole: (keys: readonly string[], otherwise: number, min: number): number => {
      const found = first(keys);
      if (found === undefined) return otherwise;
      const { key, value } = found;
      if (typeof value === 'number' && Number.isInteger(value) && value >= min) return value;
      return fail(key, `a whole number of at least ${min}`, value);
    },
    truth: (keys: readonly string[], otherwise: boolean): boolean => {
      const found = first(keys);
      if (found === undefined) return otherwise;
      return typeof found.value === 'boolean' ? found.value : fail(found.key, 'true or false', found.value);
    },
    choice: <T extends string>(key: string, choices: Readonly<Record<string, T>>, otherwise: T): T => {
      const found = first([key]);
      if (found === undefined) return otherwise;
      const chosen = choices[String(found.value).toLowerCase()];
      return chosen ?? fail(key, `one of ${Object.keys(choices).join(', ')}`, found.value);
    },
  };
}
