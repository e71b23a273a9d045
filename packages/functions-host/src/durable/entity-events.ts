import { createHash } from 'node:crypto';
import type { HistoryEvent } from '../engine/history';
import type { InstanceRow } from '../store/store';
import { toIso, withOffset } from './iso-time';

/*
 * What orchestrations send to entities and get from them, as it stands in the real host's histories: events of the
 * instance whose texts are the messages themselves, as .NET writes them.
 */

type Sent = Extract<HistoryEvent, { kind: 'entityCalled' | 'entitySignalled' }>;
type Answered = Extract<HistoryEvent, { kind: 'entityAnswered' }>;

export function toEventSent(row: InstanceRow, event: Sent, at: number): Readonly<Record<string, unknown>> {
  const { id, kind, entityId, operation, input } = event;
  const request = {
    $type: typeName('RequestMessage'),
    op: operation,
    ...(kind === 'entitySignalled' && { signal: true }),
    ...(input !== undefined && { input }),
    id: toRequestId(row, id),
    parent: row.id,
    parentExecution: row.executionId,
    requestTime: withOffset(toIso(at)),
  };
  return {
    EventType: 'EventSent',
    InstanceId: entityId,
    Name: 'op',
    Input: JSON.stringify(request),
    Timestamp: toIso(at),
  };
}

/** The answer to a call, which comes as an event named after the call's id. */
export function toEventRaised(row: InstanceRow, event: Answered, at: number): Readonly<Record<string, unknown>> {
  const answer = {
    $type: typeName('ResponseMessage'),
    result: event.result ?? null,
    ...(event.isError && { exceptionType: 'Error' }),
  };
  return {
    EventType: 'EventRaised',
    Name: toRequestId(row, event.id),
    Input: JSON.stringify(answer),
    ParentTraceContext: null,
    Timestamp: toIso(at),
  };
}

const assembly = 'Microsoft.Azure.WebJobs.Extensions.DurableTask';

function typeName(message: string): string {
  return `${assembly}.${message}, ${assembly}`;
}

/** The same for the same call of an execution: a UUID made of their names (RFC 9562, version 5). */
function toRequestId({ executionId }: InstanceRow, taskId: number): string {
  const hash = createHash('sha1').update(`${executionId}:${taskId}`).digest().subarray(0, 16);
  hash.writeUInt8(((hash[6] ?? 0) & 0x0f) | 0x50, 6);
  hash.writeUInt8(((hash[8] ?? 0) & 0x3f) | 0x80, 8);
  return hash.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
