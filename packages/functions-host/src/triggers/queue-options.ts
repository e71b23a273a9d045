import { availableParallelism } from 'node:os';
import { findKey } from '../json-object';
import type { MessageEncoding } from './message-text';
import { parseTimeSpan } from './time-span';

/** `extensions.queues` of host.json, for queue triggers and queue outputs. */
export interface QueueOptions {
  /** Messages fetched at once, 1 to 32. */
  readonly batchSize: number;
  /** The next batch is fetched when no more than this many messages are being handled. */
  readonly newBatchThreshold: number;
  /** Longest pause between two looks at an empty queue, in milliseconds. */
  readonly maxPollingMs: number;
  /** Milliseconds until a message whose function failed can be fetched again. */
  readonly visibilityMs: number;
  /** Failed attempts after which a message goes to the poison queue. */
  readonly maxDequeueCount: number;
  readonly messageEncoding: MessageEncoding;
}

/** A service limit: one request fetches no more. */
const mostMessages = 32;
const shortestPollingMs = 100;
const longestVisibilityMs = 7 * 24 * 60 * 60_000;

/**
 * Reads `extensions.queues`. The defaults are Azure's for a development environment: its pause is two seconds there,
 * a minute in production.
 * @param json the object as it stands; keys are matched without case.
 * @throws Error naming the key, what was expected and what came.
 */
export function readQueueOptions(json: Readonly<Record<string, unknown>>): QueueOptions {
  const batchSize = readWhole(json, 'batchSize', 16, 1, mostMessages);
  return {
    batchSize,
    newBatchThreshold: readWhole(
      json,
      'newBatchThreshold',
      Math.floor((batchSize / 2) * availableParallelism()),
      0,
      Infinity,
    ),
    maxPollingMs: readSpan(json, 'maxPollingInterval', 2000, shortestPollingMs, Infinity),
    visibilityMs: readSpan(json, 'visibilityTimeout', 0, 0, longestVisibilityMs),
    maxDequeueCount: readWhole(json, 'maxDequeueCount', 5, 1, Infinity),
    messageEncoding: readEncoding(find(json, 'messageEncoding') ?? 'base64'),
  };
}

function find(json: Readonly<Record<string, unknown>>, key: string): unknown {
  return json[findKey(json, key)] ?? undefined;
}

function readWhole(
  json: Readonly<Record<string, unknown>>,
  key: string,
  otherwise: number,
  min: number,
  max: number,
): number {
  const value = find(json, key) ?? otherwise;
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
  throw new Error(
    `extensions.queues.${key} must be a whole number ${toRange(String(min), max === Infinity ? undefined : String(max))}; got ${JSON.stringify(value)}.`,
  );
}

function readSpan(
  json: Readonly<Record<string, unknown>>,
  key: string,
  otherwise: number,
  min: number,
  max: number,
): number {
  const value = find(json, key);
  if (value === undefined) return otherwise;
  const ms = typeof value === 'string' ? parseTimeSpan(value) : undefined;
  if (ms !== undefined && ms >= min && ms <= max) return ms;
  throw new Error(
    `extensions.queues.${key} must be a time span hh:mm:ss ${toRange(`${min} ms`, max === Infinity ? undefined : '7 days')}; got ${JSON.stringify(value)}.`,
  );
}

function toRange(min: string, max: string | undefined): string {
  return max === undefined ? `of at least ${min}` : `from ${min} to ${max}`;
}

function readEncoding(value: unknown): MessageEncoding {
  const known = (['base64', 'none'] as const).find((name) => name === String(value).toLowerCase());
  if (known !== undefined) return known;
  throw new Error(`extensions.queues.messageEncoding must be "base64" or "none"; got ${JSON.stringify(value)}.`);
}
