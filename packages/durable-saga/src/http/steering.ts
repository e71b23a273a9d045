import type { Answer } from '../client/answer';
import type { CancelOptions } from '../client/cancel';
import type { InstanceStatus } from '../client/instance-status';
import type { ListFilter } from '../client/list';
import type { RecoveryAnswer, RecoveryHandle } from '../client/recover';
import type { Decision } from '../client/resolve';
import type { Reply } from './problem';
import { Problem, toReply } from './problem';
import { readCancel, readDecision, readJson, readListQuery } from './read-request';

/** What operators do with the instances of a saga; its typed client can do it. */
export interface SteeredSaga {
  get(id: string): {
    status(): Promise<InstanceStatus<unknown> | undefined>;
    raise(event: never, payload: never): Promise<Answer>;
    cancel(options?: CancelOptions): Promise<Answer>;
    resolve(decision: Decision): Promise<Answer>;
    recover(): Promise<RecoveryAnswer>;
    recovery(): Pick<RecoveryHandle, 'id' | 'status' | 'resolve'>;
  };
  list(filter?: ListFilter): AsyncIterable<InstanceStatus<unknown>>;
}

export type SteeredSagas = Readonly<Record<string, SteeredSaga>>;

/** A request as the route gives it. */
export interface SteeringRequest {
  readonly url: string;
  readonly params: Readonly<Record<string, string | undefined>>;
  text(): Promise<string>;
}

export type Steering = (sagas: SteeredSagas, request: SteeringRequest) => Promise<Reply>;

/** `GET ?saga=&state=&createdFrom=&createdTo=&after=&limit=`: instances by id, a page at a time. */
export const answerList: Steering = async (sagas, { url }) => {
  const { saga, filter, after = '', limit } = readListQuery(new URL(url).searchParams);
  const found: InstanceStatus<unknown>[] = [];
  for (const name of saga === undefined ? Object.keys(sagas) : [saga]) {
    for await (const one of findSaga(sagas, name).list(filter)) {
      // The name that the other routes know it by.
      if (one.id > after) found.push({ ...one, saga: name });
    }
  }
  found.sort((a, b) => (a.id < b.id ? -1 : 1));
  const page = found.slice(0, limit);
  const last = page.at(-1);
  const next = found.length > page.length && last !== undefined ? { next: toNext(url, last.id) } : {};
  return json(200, { instances: page, ...next });
};

/** `GET /{saga}/{id}` */
export const answerShow: Steering = async (sagas, { params }) => {
  const status = await findInstance(sagas, params).status();
  if (status === undefined) throw unknownInstance(params);
  return json(200, { ...status, saga: params['saga'] });
};

/** `POST /{saga}/{id}/resolve` */
export const answerResolve: Steering = async (sagas, request) => {
  const one = findInstance(sagas, request.params);
  return tell(await one.resolve(readDecision(await request.text())));
};

/** `POST /{saga}/{id}/cancel` */
export const answerCancel: Steering = async (sagas, request) => {
  const one = findInstance(sagas, request.params);
  return tell(await one.cancel(readCancel(await request.text())));
};

/** `POST /{saga}/{id}/recover` */
export const answerRecover: Steering = async (sagas, { params }) => {
  const answer = await findInstance(sagas, params).recover();
  if (!answer.accepted) throw new Problem(answer.code, answer.message);
  return json(202, { accepted: true, started: answer.started, recovery: answer.recovery.id });
};

/** `GET /{saga}/{id}/recovery` */
export const answerShowRecovery: Steering = async (sagas, { params }) => {
  const status = await findInstance(sagas, params).recovery().status();
  if (status === undefined) throw new Problem('unknown', `Saga '${params['id'] ?? ''}' has no recovery.`);
  return json(200, { ...status, saga: params['saga'] });
};

/** `POST /{saga}/{id}/recovery/resolve` */
export const answerResolveRecovery: Steering = async (sagas, request) => {
  const recovery = findInstance(sagas, request.params).recovery();
  return tell(await recovery.resolve(readDecision(await request.text())));
};

/** `POST /{saga}/{id}/events/{event}`, the payload being the body. */
export const answerEvent: Steering = async (sagas, request) => {
  const one = findInstance(sagas, request.params);
  // The client checks both against the saga's declaration.
  return tell(await one.raise((request.params['event'] ?? '') as never, readJson(await request.text()) as never));
};

/** The reply to a request, whatever becomes of it; what is not the caller's fault is told to `log`. */
export async function reply(
  steering: Steering,
  sagas: () => SteeredSagas,
  request: SteeringRequest,
  requestId: string,
  log: (error: unknown) => void,
): Promise<Reply> {
  try {
    return await steering(sagas(), request);
  } catch (error) {
    if (error instanceof Problem) return toReply(error);
    log(error);
    return toReply(new Problem('internal', `Report request ${requestId} if it stays so.`));
  }
}

function tell(answer: Answer): Reply {
  if (!answer.accepted) throw new Problem(answer.code, answer.message, answer.issues);
  return json(202, answer);
}

function findSaga(sagas: SteeredSagas, name: string): SteeredSaga {
  const found = Object.hasOwn(sagas, name) ? sagas[name] : undefined;
  if (found === undefined) {
    throw new Problem(
      'unknownSaga',
      `There is no saga '${name.slice(0, 100)}', only: ${Object.keys(sagas).join(', ')}.`,
    );
  }
  return found;
}

function findInstance(sagas: SteeredSagas, params: SteeringRequest['params']): ReturnType<SteeredSaga['get']> {
  const saga = findSaga(sagas, params['saga'] ?? '');
  try {
    return saga.get(params['id'] ?? '');
  } catch (error) {
    // What can't be an id is nobody's.
    if (error instanceof RangeError) throw unknownInstance(params);
    throw error;
  }
}

function unknownInstance({ id = '' }: SteeringRequest['params']): Problem {
  return new Problem('unknown', `There is no saga '${id.slice(0, 100)}'.`);
}

/** The path of the page after this one. A key in the query stays out of it. */
function toNext(url: string, after: string): string {
  const { pathname, searchParams } = new URL(url);
  searchParams.delete('code');
  searchParams.delete('clientId');
  searchParams.set('after', after);
  return `${pathname}?${searchParams.toString()}`;
}

function json(status: number, body: unknown): Reply {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}
