import { setTimeout } from 'node:timers/promises';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Issue } from './failure';
import type { Resolution, RetryEvent } from './parking';
import type { EventSchemas, Saga } from './saga';
import { CANCEL_EVENT, RETRY_EVENT } from './saga';
import type { In } from './schema';
import { listIssues, parseWith } from './schema';
import type { SagaOutcome } from './settlement';
import type { StartEnvelope } from './start-envelope';
import type { SagaStatus } from './status';

/** The part of a durable client that sagas need; durable-functions' `DurableClient` is one. */
export interface DurableClientPort {
  startNew(name: string, options: { readonly instanceId?: string; readonly input: unknown }): Promise<string>;
  /** Rejects with an error that says `HTTP 404` when there is no such instance. */
  getStatus(
    id: string,
    options: { readonly showInput: boolean },
  ): Promise<{
    readonly name: string;
    readonly runtimeStatus: string;
    readonly createdTime: Date;
    readonly lastUpdatedTime: Date;
    readonly customStatus?: unknown;
    readonly output: unknown;
  }>;
  raiseEvent(id: string, name: string, payload: unknown): Promise<void>;
}

/** What came of a request to an instance. The codes:
 *
 * - `unknown`   there is no such instance of this saga
 * - `finished`  it has ended, and takes nothing any more
 * - `pastPivot` it can't be cancelled: its pivot has started
 * - `notParked` nothing of it waits for a decision
 * - `invalid`   the payload does not match the event's schema; `issues` lists every violation
 */
export type Answer =
  | {
      readonly accepted: true;
      /** False when the saga has not said so yet: it will read the request, but may be past the point. */
      readonly confirmed: boolean;
    }
  | {
      readonly accepted: false;
      readonly code: 'unknown' | 'finished' | 'pastPivot' | 'notParked' | 'invalid';
      readonly message: string;
      readonly issues?: readonly Issue[];
    };

/** The platform's word for how an instance is; a saga that ended by itself is `Completed`, whatever its outcome. */
export type RuntimeStatus =
  'Pending' | 'Running' | 'Suspended' | 'ContinuedAsNew' | 'Completed' | 'Failed' | 'Terminated' | 'Canceled';

export interface InstanceStatus<Result> extends SagaStatus {
  readonly id: string;
  readonly runtimeStatus: RuntimeStatus;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** How it ended, once it has. Missing also after `Failed` and `Terminated`, which a saga does not do by itself. */
  readonly outcome?: SagaOutcome<Result>;
}

export interface SagaClient<Input, Result, Events extends EventSchemas> {
  /**
   * Starts an instance. If there is one with this id already, running or finished, it stays as it is, and `started` is
   * false. Two starts at the same moment are told apart by the host alone. Throws `SagaInputError` for bad input.
   */
  start(input: Input, options?: StartOptions): Promise<{ readonly id: string; readonly started: boolean }>;
  /** Where an instance stands; undefined when there is none. */
  status(id: string): Promise<InstanceStatus<Result> | undefined>;
  /** Sends a declared event. */
  raise<Name extends keyof Events & string>(id: string, event: Name, payload: In<Events[Name]>): Promise<Answer>;
  /** Asks the saga to undo itself, and waits until it says whether it does: past the pivot it does not. */
  cancel(id: string, options?: CancelOptions): Promise<Answer>;
  /** Decides about what is parked: try again (the default), or count it as done or as failed. */
  retry(id: string, resolution?: Resolution): Promise<Answer>;
}

export interface StartOptions {
  /** Default: made by the host. Must not contain `/`, `\`, `#`, `?` or `%`. */
  readonly id?: string;
  /** The caller knows that the id is new, e.g. from a row that it has just inserted: saves asking the host. */
  readonly assumeNew?: boolean;
}

export interface CancelOptions {
  readonly reason?: string;
  /** Milliseconds to wait for the saga's word. Default: 5,000. */
  readonly wait?: number;
}

/** Bad input at start: nothing was started. */
export class SagaInputError extends Error {
  readonly code = 'invalidInput';
  readonly issues: readonly Issue[];

  constructor(what: string, issues: readonly Issue[]) {
    super(`${what}: ${listIssues(issues)}`);
    this.name = 'SagaInputError';
    this.issues = issues;
  }
}

type ClientOf<S> = S extends Saga<infer Input, infer Result, infer Events> ? SagaClient<Input, Result, Events> : never;

/** Typed clients of sagas over a durable client: `sagas(client, { placeOrder }).placeOrder.start(...)`. */
export function sagas<const Definitions extends Readonly<Record<string, Saga<never, unknown>>>>(
  client: DurableClientPort,
  definitions: Definitions,
): { readonly [Name in keyof Definitions]: ClientOf<Definitions[Name]> } {
  const clients = Object.entries(definitions).map(([name, definition]) => [name, createClient(client, definition)]);
  return Object.fromEntries(clients) as { readonly [Name in keyof Definitions]: ClientOf<Definitions[Name]> };
}

function createClient(
  client: DurableClientPort,
  saga: Saga<never, unknown>,
): SagaClient<unknown, unknown, EventSchemas> {
  const status = (id: string): Promise<InstanceStatus<unknown> | undefined> => readStatus(client, saga.name, id);
  return {
    status,
    async start(input, { id, assumeNew = false } = {}) {
      const parsed = parseWith(saga.input, input);
      if (!parsed.ok) throw new SagaInputError(`input of saga '${saga.name}' does not match its schema`, parsed.issues);
      if (id !== undefined) checkId(id);
      if (id !== undefined && !assumeNew && (await exists(client, id))) return { id, started: false };
      const envelope: StartEnvelope = { $saga: { version: saga.version }, input };
      try {
        const options = { input: envelope, ...(id === undefined ? {} : { instanceId: id }) };
        return { id: await client.startNew(saga.name, options), started: true };
      } catch (error) {
        // Somebody else started it since it was asked for.
        if (id !== undefined && saysStatus(error, 409)) return { id, started: false };
        throw error;
      }
    },
    async raise(id, event, payload) {
      const schema: StandardSchemaV1 | undefined = saga.events[event];
      if (schema === undefined) throw new RangeError(`saga '${saga.name}' declares no event '${event}'`);
      const parsed = parseWith(schema, payload);
      if (!parsed.ok) {
        const message = `payload of event '${event}' does not match its schema: ${listIssues(parsed.issues)}`;
        return { accepted: false, code: 'invalid', message, issues: parsed.issues };
      }
      const found = whyNot(id, await status(id));
      if (found !== undefined) return found;
      return send(client, id, event, payload);
    },
    async cancel(id, { reason, wait = 5_000 } = {}) {
      const before = await status(id);
      const found = whyNot(id, before) ?? pastPivot(id, before);
      if (found !== undefined) return found;
      if (before !== undefined && (before.failure !== undefined || before.cancel === 'honoured')) {
        return { accepted: true, confirmed: true };
      }
      const sent = await send(client, id, CANCEL_EVENT, reason === undefined ? {} : { reason });
      return sent.accepted ? awaitCancel(() => status(id), id, wait) : sent;
    },
    async retry(id, resolution = { action: 'retry' }) {
      const now = await status(id);
      const found = whyNot(id, now);
      if (found !== undefined) return found;
      const parked = now?.parked;
      if (parked === undefined) {
        return {
          accepted: false,
          code: 'notParked',
          message: `saga '${id}' is ${now?.state ?? 'unknown'}, not parked`,
        };
      }
      // A retry that comes late does no harm, so it may serve all that is parked; a decision answers one parking alone.
      const event: RetryEvent =
        resolution.action === 'retry' ? resolution : { ...resolution, step: parked.key, number: parked.number };
      return send(client, id, RETRY_EVENT, event);
    },
  };
}

async function send(client: DurableClientPort, id: string, event: string, payload: unknown): Promise<Answer> {
  try {
    await client.raiseEvent(id, event, payload);
    return { accepted: true, confirmed: event !== CANCEL_EVENT };
  } catch (error) {
    // The durable client words a 404 like this here.
    if (error instanceof Error && /no instance with id/i.test(error.message)) return unknown(id);
    throw error;
  }
}

/** Polls until the saga has taken note of the cancel. */
async function awaitCancel(
  status: () => Promise<InstanceStatus<unknown> | undefined>,
  id: string,
  wait: number,
): Promise<Answer> {
  for (let waited = 0, pause = 10; ; waited += pause, pause = Math.min(pause * 2, 250)) {
    const now = await status();
    if (now === undefined) return unknown(id);
    if (now.cancel === 'honoured' || now.outcome?.outcome === 'compensated') return { accepted: true, confirmed: true };
    if (now.cancel === 'refused') return pastPivot(id, now) ?? finished(id, 'it has done its work');
    const ended = whyNot(id, now);
    if (ended !== undefined) return ended;
    if (waited >= wait) return { accepted: true, confirmed: false };
    await setTimeout(pause);
  }
}

async function readStatus(
  client: DurableClientPort,
  saga: string,
  id: string,
): Promise<InstanceStatus<unknown> | undefined> {
  const found = await find(client, id);
  if (found?.name.toLowerCase() !== saga.toLowerCase()) return undefined;
  const runtimeStatus = found.runtimeStatus as RuntimeStatus;
  const shown = isSagaStatus(found.customStatus)
    ? found.customStatus
    : ({ saga, version: '', state: 'running', pivot: 'none', steps: [] } satisfies SagaStatus);
  return {
    ...shown,
    id,
    runtimeStatus,
    createdAt: found.createdTime,
    updatedAt: found.lastUpdatedTime,
    ...(runtimeStatus === 'Completed' && isOutcome(found.output) ? { outcome: found.output } : {}),
  };
}

async function exists(client: DurableClientPort, id: string): Promise<boolean> {
  return (await find(client, id)) !== undefined;
}

async function find(
  client: DurableClientPort,
  id: string,
): Promise<Awaited<ReturnType<DurableClientPort['getStatus']>> | undefined> {
  checkId(id);
  try {
    return await client.getStatus(id, { showInput: false });
  } catch (error) {
    if (saysStatus(error, 404)) return undefined;
    throw error;
  }
}

const FINISHED: ReadonlySet<RuntimeStatus> = new Set(['Completed', 'Failed', 'Terminated', 'Canceled']);

function whyNot(id: string, status: InstanceStatus<unknown> | undefined): Answer | undefined {
  if (status === undefined) return unknown(id);
  if (!FINISHED.has(status.runtimeStatus)) return undefined;
  return finished(id, `it is ${status.outcome?.outcome ?? status.runtimeStatus.toLowerCase()}`);
}

function finished(id: string, how: string): Answer {
  return { accepted: false, code: 'finished', message: `saga '${id}' has ended: ${how}` };
}

function pastPivot(id: string, status: InstanceStatus<unknown> | undefined): Answer | undefined {
  const pivot = status?.pivot ?? 'none';
  if (pivot === 'none') return undefined;
  return {
    accepted: false,
    code: 'pastPivot',
    message: `saga '${id}' can't be cancelled: its pivot has ${pivot}`,
  };
}

function unknown(id: string): Answer {
  return { accepted: false, code: 'unknown', message: `there is no saga '${id}'` };
}

/** The durable client reports a status code in the text of its errors. */
function saysStatus(error: unknown, status: number): boolean {
  return error instanceof Error && new RegExp(`(HTTP|status code:) ${status}\\b`).test(error.message);
}

function checkId(id: string): void {
  // eslint-disable-next-line no-control-regex -- ids travel in paths, where control characters are refused
  if (id === '' || id.length > 100 || /[/\\#?%\u0000-\u001f\u007f]/.test(id) || id.startsWith('@')) {
    throw new RangeError(
      `expected an instance id of 1 to 100 characters without / \\ # ? % and not starting with @, got ${JSON.stringify(id)}`,
    );
  }
}

function isSagaStatus(value: unknown): value is SagaStatus {
  return typeof value === 'object' && value !== null && 'state' in value && 'steps' in value && 'pivot' in value;
}

function isOutcome(value: unknown): value is SagaOutcome {
  return (
    typeof value === 'object' &&
    value !== null &&
    'outcome' in value &&
    ('result' in value || 'failure' in value || value.outcome === 'completed')
  );
}
