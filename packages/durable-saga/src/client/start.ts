import type { Issue } from '../failure';
import type { Saga } from '../saga';
import { listIssues, parseWith } from '../schema';
import type { StartEnvelope } from '../start-envelope';
import { checkId, findInstance, isOf, saysStatus } from './durable-client';
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

/** Starts an instance unless there is one with the id. */
export async function startSaga(
  client: DurableClientPort,
  saga: Saga<never, unknown>,
  input: unknown,
  { id, assumeNew = false }: StartOptions,
): Promise<Start> {
  const parsed = parseWith(saga.input, input);
  if (!parsed.ok) throw new SagaInputError(`input of saga '${saga.name}' does not match its schema`, parsed.issues);
  if (id !== undefined) checkId(id);
  if (id !== undefined && !assumeNew && (await isThere(client, saga, id))) return { id, started: false };
  const envelope: StartEnvelope = { $saga: { version: saga.version }, input };
  try {
    const options = { input: envelope, ...(id === undefined ? {} : { instanceId: id }) };
    return { id: await client.startNew(saga.name, options), started: true };
  } catch (error) {
    // Somebody else started it since it was asked for.
    if (id !== undefined && saysStatus(error, 409) && (await isThere(client, saga, id))) return { id, started: false };
    throw error;
  }
}

async function isThere(client: DurableClientPort, saga: Saga<never, unknown>, id: string): Promise<boolean> {
  const found = await findInstance(client, id);
  if (found !== undefined && !isOf(saga.name, found)) throw new SagaIdTaken(id, saga.name, found.name);
  return found !== undefined;
}
