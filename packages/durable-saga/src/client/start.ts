import { setTimeout } from 'node:timers/promises';
import type { ClaimCheck } from '../store/claim-check';
import { openOf } from '../definition/claimed';
import type { Issue } from '../definition/failure';
import { whyNoJson } from '../definition/json';
import { hashOfJson } from '../store/input-hash';
import { checkId } from '../runner/instance-id';
import type { SagaObserver } from '../definition/observer';
import type { Saga } from '../definition/saga';
import { listIssues, parseWith } from '../definition/schema';
import type { StartEnvelope } from '../runner/start-envelope';
import { readStart } from '../runner/start-envelope';
import type { StartNote, StartStore } from '../store/start-store';
import { findInstance, isOf, saysStatus } from './durable-client';
import type { DurableClientPort } from './durable-client';

export interface StartOptions {
  /** Default: made by the host. Must not contain `/`, `\`, `#`, `?` or `%`. */
  readonly id?: string | undefined;
  /** The caller knows that the id is new, e.g. from a row that it has just inserted: saves asking the host. */
  readonly assumeNew?: boolean;
}

export interface Start {
  readonly id: string;
  readonly started: boolean;
  readonly sameInput: boolean | undefined;
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

/** The id belongs to an instance of another saga, which is left alone: nothing was started. */
export class SagaIdTaken extends Error {
  readonly code = 'idTaken';

  constructor(id: string, wanted: string, owner: string) {
    super(`expected '${id}' to be the id of an instance of saga '${wanted}', but it is one of '${owner}'`);
    this.name = 'SagaIdTaken';
  }
}

/** Another caller's start with the id has been under way for longer than one takes: nothing was started by this call. */
export class SagaStartPending extends Error {
  readonly code = 'startPending';

  constructor(id: string) {
    super(`saga '${id}' is being started by another caller, who has not got through; try again later`);
    this.name = 'SagaStartPending';
  }
}

interface ToStart {
  readonly client: DurableClientPort;
  readonly saga: Saga<never, unknown>;
  readonly input: unknown;
  readonly starts: StartStore | undefined;
  readonly claims: ClaimCheck;
  readonly observer: SagaObserver | undefined;
}

/** How long a caller has between its claim and its confirmation, in milliseconds, before the next takes over. */
const LEASE = 10_000;
/** How long to wait for another caller's start: a lease, and some time for clocks that differ. */
const PATIENCE = LEASE + 5_000;

/** Starts an instance unless one was started with the id. */
export async function startSaga(given: ToStart, { id, assumeNew = false }: StartOptions): Promise<Start> {
  const { starts } = given;
  if (id !== undefined) checkId(id);
  const what = { ...given, input: await toInput(given) };
  if (id === undefined) return { id: await startNew(what), started: true, sameInput: true };
  if (starts === undefined) return toStart(what, id, await startOnHost(what, id, assumeNew));
  return startOnce(what, id, assumeNew, starts);
}

/** What travels as the input: large fields that may be are claimed. */
async function toInput({ saga, input, claims }: ToStart): Promise<unknown> {
  const what = `input of saga '${saga.name}'`;
  const parsed = parseWith(openOf(saga.input), input);
  if (!parsed.ok) throw new SagaInputError(`${what} does not match its schema`, parsed.issues);
  const closed = await claims.close(saga.input, parsed.value, input);
  const whyNot = whyNoJson(closed) ?? claims.tooLarge(what, closed);
  if (whyNot !== undefined) throw new SagaInputError(what, [{ path: '', message: whyNot }]);
  return closed;
}

/** An instance that was there before. Without the hash, the host can't say (any more) what it was started with. */
type First = Omit<StartNote, 'inputHash'> & Partial<Pick<StartNote, 'inputHash'>>;

/** Gives the instance that is there already, if one is; undefined when this call has started it. */
async function startOnHost(what: ToStart, id: string, assumeNew: boolean): Promise<First | undefined> {
  const first = assumeNew ? undefined : await findFirst(what, id);
  if (first !== undefined) return first;
  try {
    await startNew(what, id);
    return undefined;
  } catch (error) {
    // Somebody else started it since it was asked for.
    const faster = saysStatus(error, 409) ? await findFirst(what, id) : undefined;
    if (faster !== undefined) return faster;
    throw error;
  }
}

/** Starts with the help of a store: see the head of its file. */
async function startOnce(what: ToStart, id: string, assumeNew: boolean, starts: StartStore): Promise<Start> {
  const { name: saga, version } = what.saga;
  const own: StartNote = { saga, version, inputHash: hashOfJson(what.input) };
  for (let waited = 0, pause = 10; waited <= PATIENCE; waited += pause, pause = Math.min(pause * 2, 500)) {
    const { state, note } = await starts.claim(id, own, LEASE);
    if (state === 'started') return toStart(what, id, note);
    if (state === 'starting') {
      const first = await findFirst(what, id);
      if (first === undefined) {
        await setTimeout(pause);
        continue;
      }
      await starts.confirm(id, { ...note, ...first });
      return toStart(what, id, first);
    }
    const first = await startOnHost(what, id, assumeNew && state === 'claimed').catch(async (error: unknown) => {
      // Should that fail as well, the lease passes. A confirmed claim stays.
      await starts.release(id).catch(() => undefined);
      throw error;
    });
    // Where this fails the claim stays, for the next caller to ask the host.
    await starts.confirm(id, first === undefined ? own : { ...note, ...first });
    return toStart(what, id, first);
  }
  throw new SagaStartPending(id);
}

function startNew({ client, saga, input, observer }: ToStart, id?: string): Promise<string> {
  const trace = observer?.contact?.({ saga: saga.name, instanceId: id, event: undefined, startedIn: undefined });
  const envelope: StartEnvelope = { $saga: { version: saga.version, ...(trace !== undefined && { trace }) }, input };
  return client.startNew(saga.name, { input: envelope, ...(id === undefined ? {} : { instanceId: id }) });
}

async function findFirst({ client }: ToStart, id: string): Promise<First | undefined> {
  const found = await findInstance(client, id, { showInput: true });
  if (found === undefined) return undefined;
  const { version, input } = readStart(found.input, undefined);
  const hash = isAsItCame(found.input) ? { inputHash: hashOfJson(input) } : {};
  return { saga: found.name, version, ...hash };
}

/** A saga that has gone on as another generation shows that one's input, with what it carries in the stamp. */
function isAsItCame(start: unknown): boolean {
  if (typeof start !== 'object' || start === null || !('$saga' in start)) return true;
  const { $saga: stamp, input } = start as { $saga: unknown; input?: unknown };
  const isFirst = !Object.hasOwn(stamp ?? {}, 'carried');
  return isFirst && !(typeof input === 'object' && input !== null && '$claim' in input);
}

/** What was there before stays as it is. */
function toStart({ saga, input }: ToStart, id: string, first: First | undefined): Start {
  if (first === undefined) return { id, started: true, sameInput: true };
  if (!isOf(saga.name, { name: first.saga })) throw new SagaIdTaken(id, saga.name, first.saga);
  const sameInput = first.inputHash === undefined ? undefined : first.inputHash === hashOfJson(input);
  return { id, started: false, sameInput };
}
