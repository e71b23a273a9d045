import { z } from 'zod';
import { saga, sagaClients, StepFailure } from '../../src';
import { registerSagaRoutes } from '../../src/http';
import type { SteeredSagas } from '../../src/http';
import {
  answerCancel,
  answerEvent,
  answerList,
  answerRecover,
  answerResolve,
  answerResolveRecovery,
  answerShow,
  answerShowRecovery,
  reply,
} from '../../src/http/steering';
import type { Steering } from '../../src/http/steering';
import { captureFunctions } from '../support/functions-core';
import { failing, stage, taped, tapedOneWay } from '../support/tape';

const book = taped('book');
const pay = tapedOneWay('pay');
const ship = taped('ship', { retry: { attempts: 1 } });
const order = saga(
  {
    name: 'order',
    version: '1',
    input: z.object({}),
    output: z.string(),
    events: { approval: z.object({ approved: z.boolean(), by: z.string() }) },
  },
  function* (saga) {
    yield* saga.step(book, { n: 1 });
    yield* saga.waitFor('approval');
    yield* saga.pivot(pay, { n: 2 });
    return yield* saga.step(ship, { n: 3 });
  },
);

/** Instances that wait for approval, and how an operator asks about them. */
async function open(...ids: string[]) {
  const staged = stage(order, [book, pay, ship]);
  for (const id of ids) await staged.client.start({}, { id });
  await staged.host.run();
  const sagas: () => SteeredSagas = () => sagaClients({ orders: order })(staged.host);
  const logged: unknown[] = [];
  const ask = async (steering: Steering, path: string, body?: unknown, from = sagas) => {
    const [, saga = '', id = '', , event] = new URL(path, 'http://x').pathname.split('/');
    const text = typeof body === 'string' ? body : JSON.stringify(body ?? '').replace(/^""$/, '');
    const params = { saga, id: decodeURIComponent(id), ...(event === undefined ? {} : { event }) };
    const request = { url: `http://x/api/sagas${path}`, params, text: () => Promise.resolve(text) };
    const { status, headers, body: answer } = await reply(steering, from, request, 'r1', (error) => logged.push(error));
    return { status, type: headers['content-type'], body: JSON.parse(answer) as Record<string, unknown> };
  };
  return { ...staged, ask, logged };
}

const problem = (status: number, code: string, more: object = {}) => ({
  status,
  type: 'application/problem+json',
  body: { type: 'about:blank', status, code, ...more },
});
const accepted = { status: 202, type: 'application/json', body: { accepted: true, confirmed: true } };

describe('the routes of sagas', () => {
  it('show an instance', async () => {
    const { ask } = await open('a');
    expect(await ask(answerShow, '/orders/a')).toMatchObject({
      status: 200,
      type: 'application/json',
      body: { id: 'a', saga: 'orders', state: 'waiting', waitingFor: { event: 'approval' }, runtimeStatus: 'Running' },
    });
  });

  it('raise an event, and resolve what has parked', async () => {
    const { host, tape, ask } = await open('a');
    tape.script('ship', failing(1));
    expect(await ask(answerEvent, '/orders/a/events/approval', { approved: true, by: 'Ada' })).toEqual(accepted);
    await host.run();
    expect(await ask(answerShow, '/orders/a')).toMatchObject({
      body: { state: 'parked', parked: { key: 'a/ship#1' } },
    });
    expect(await ask(answerResolve, '/orders/a/resolve', { action: 'skip', output: 7 })).toMatchObject(
      problem(400, 'invalid'),
    );
    expect(
      await ask(answerResolve, '/orders/a/resolve', { action: 'skip', output: 'by hand', step: 'a/ship#1' }),
    ).toEqual(accepted);
    await host.run();
    expect(await ask(answerShow, '/orders/a')).toMatchObject({
      body: { state: 'completed', outcome: { outcome: 'completed', result: 'by hand' } },
    });
    expect(await ask(answerCancel, '/orders/a/cancel')).toMatchObject(problem(409, 'finished'));
  });

  it('cancel an instance, with a reason', async () => {
    const { host, ask } = await open('a');
    expect(await ask(answerCancel, '/orders/a/cancel', { reason: 'changed my mind' })).toEqual(accepted);
    await host.run();
    expect(await ask(answerShow, '/orders/a')).toMatchObject({
      body: { state: 'compensated', failure: { kind: 'cancelled', message: 'changed my mind' } },
    });
  });

  it('start the recovery of an instance that was stopped, once', async () => {
    const { host, ask } = await open('a');
    host.stop('a', 'Terminated', 'by hand');
    const started = { status: 202, body: { accepted: true, started: true, recovery: 'a:recover' } };
    expect(await ask(answerRecover, '/orders/a/recover')).toMatchObject(started);
    const again = { status: 202, body: { accepted: true, started: false, recovery: 'a:recover' } };
    expect(await ask(answerRecover, '/orders/a/recover')).toMatchObject(again);
  });

  it('show what a recovery has parked, and decide about it', async () => {
    const { host, tape, ask } = await open('a');
    expect(await ask(answerShowRecovery, '/orders/a/recovery')).toMatchObject(problem(404, 'unknown'));
    host.stop('a', 'Terminated', 'by hand');
    tape.script('book_undo', () => {
      throw new StepFailure({ code: 'collected', message: 'it has left', effect: 'none' });
    });
    await ask(answerRecover, '/orders/a/recover');
    await host.run();
    expect(await ask(answerShowRecovery, '/orders/a/recovery')).toMatchObject({
      status: 200,
      body: { id: 'a:recover', saga: 'orders', state: 'parked', parked: { key: 'a/book#1' } },
    });
    const wrong = await ask(answerResolveRecovery, '/orders/a/recovery/resolve', { action: 'pray' });
    expect(wrong).toMatchObject(problem(400, 'invalidRequest'));
    expect(await ask(answerResolveRecovery, '/orders/a/recovery/resolve', { action: 'skip' })).toEqual(accepted);
    await host.run();
    expect(await ask(answerShowRecovery, '/orders/a/recovery')).toMatchObject({
      body: { state: 'compensated', outcome: { outcome: 'compensated' } },
    });
    const late = await ask(answerResolveRecovery, '/orders/a/recovery/resolve', { action: 'skip' });
    expect(late).toMatchObject(problem(409, 'finished'));
  });

  it('list instances by state and time, page by page', async () => {
    const { host, client, ask } = await open('a', 'b', 'c', 'd', 'e');
    await client.get('b').cancel();
    host.stop('d', 'Terminated', 'by hand');
    await host.run();
    const ids = async (query: string) => {
      const { body } = await ask(answerList, query);
      return (body['instances'] as { id: string }[]).map(({ id }) => id);
    };
    expect(await ids('')).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(await ids('?state=waiting&saga=orders')).toEqual(['a', 'c', 'e']);
    expect(await ids('?state=compensated')).toEqual(['b']);
    expect(await ids('?state=terminated')).toEqual(['d']);
    expect(await ids('?createdFrom=2030-01-01T00:00:00Z')).toEqual([]);
    expect(await ids('?createdTo=2030-01-01T00:00:00Z&limit=2')).toEqual(['a', 'b']);
    const { body } = await ask(answerList, '?limit=2&state=waiting&code=the-key');
    expect(body['next']).toBe('/api/sagas?limit=2&state=waiting&after=c');
    expect(await ids('?limit=2&state=waiting&after=c')).toEqual(['e']);
  });

  it.each<[string, Steering, string, unknown, number, string, string[]]>([
    ['an unknown saga', answerShow, '/parcels/a', undefined, 404, 'unknownSaga', []],
    ['a name of objects', answerShow, '/constructor/a', undefined, 404, 'unknownSaga', []],
    ['an unknown saga to list', answerList, '?saga=parcels', undefined, 404, 'unknownSaga', []],
    ['an unknown instance', answerShow, '/orders/b', undefined, 404, 'unknown', []],
    ['what can be no id', answerShow, '/orders/a%23b', undefined, 404, 'unknown', []],
    ['an unknown instance to cancel', answerCancel, '/orders/b/cancel', undefined, 404, 'unknown', []],
    ['an unknown instance to resolve', answerResolve, '/orders/b/resolve', { action: 'retry' }, 404, 'unknown', []],
    ['an unknown instance to recover', answerRecover, '/orders/b/recover', undefined, 404, 'unknown', []],
    ['what nobody stopped', answerRecover, '/orders/a/recover', undefined, 409, 'notStopped', []],
    ['an undeclared event', answerEvent, '/orders/a/events/refusal', {}, 404, 'unknownEvent', []],
    ['what is not parked', answerResolve, '/orders/a/resolve', { action: 'retry' }, 409, 'notParked', []],
    ['a wrong payload', answerEvent, '/orders/a/events/approval', { approved: 1 }, 400, 'invalid', ['approved', 'by']],
    ['no payload', answerEvent, '/orders/a/events/approval', undefined, 400, 'invalid', ['']],
    ['a body that is no JSON', answerEvent, '/orders/a/events/approval', '{"a', 400, 'invalidRequest', ['']],
    ['a body that is too large', answerResolve, '/orders/a/resolve', 'x'.repeat(1_000_001), 413, 'bodyTooLarge', []],
    ['a body that is no object', answerCancel, '/orders/a/cancel', [1], 400, 'invalidRequest', ['']],
    [
      'a wrong decision',
      answerResolve,
      '/orders/a/resolve',
      { action: 'pray', step: 1, output: 2, who: 'me' },
      400,
      'invalidRequest',
      ['who', 'action', 'step', 'output'],
    ],
    ['a wrong cancel', answerCancel, '/orders/a/cancel', { reason: 1, by: 2 }, 400, 'invalidRequest', ['by', 'reason']],
    [
      'a wrong query',
      answerList,
      '?state=lost&createdFrom=soon&createdTo=x&limit=0&page=2',
      undefined,
      400,
      'invalidRequest',
      ['page', 'state', 'createdFrom', 'createdTo', 'limit'],
    ],
  ])('tell what is wrong with %s', async (_what, steering, path, body, status, code, paths) => {
    const { ask, logged } = await open('a');
    const answer = await ask(steering, path, body);
    expect(answer).toMatchObject(problem(status, code));
    expect((answer.body['issues'] as { path: string }[] | undefined)?.map((issue) => issue.path) ?? []).toEqual(paths);
    expect(logged).toEqual([]);
  });

  it('say nothing from inside when something else fails, and log it', async () => {
    const { ask, logged } = await open('a');
    const down = new Error('connect ECONNREFUSED 10.0.0.1');
    const answer = await ask(answerShow, '/orders/a', undefined, () => {
      throw down;
    });
    expect(answer).toMatchObject(problem(500, 'internal', { detail: 'Report request r1 if it stays so.' }));
    expect(logged).toEqual([down]);
  });

  it('ask for the master key, unless the app says otherwise', () => {
    const routesOf = (options: object) =>
      [...captureFunctions(() => registerSagaRoutes({ sagas: sagaClients({ order }), ...options })).values()].map(
        ({ name, bindings }) => {
          const trigger = Object.values(bindings).find(({ type }) => type === 'httpTrigger');
          const { methods, route, authLevel } = trigger as unknown as Record<string, unknown>;
          return [name, methods, route, authLevel];
        },
      );
    expect(routesOf({})).toEqual([
      ['listSagas', ['GET'], 'sagas', 'admin'],
      ['showSaga', ['GET'], 'sagas/{saga}/{id}', 'admin'],
      ['resolveSaga', ['POST'], 'sagas/{saga}/{id}/resolve', 'admin'],
      ['cancelSaga', ['POST'], 'sagas/{saga}/{id}/cancel', 'admin'],
      ['recoverSaga', ['POST'], 'sagas/{saga}/{id}/recover', 'admin'],
      ['showSagaRecovery', ['GET'], 'sagas/{saga}/{id}/recovery', 'admin'],
      ['resolveSagaRecovery', ['POST'], 'sagas/{saga}/{id}/recovery/resolve', 'admin'],
      ['raiseSagaEvent', ['POST'], 'sagas/{saga}/{id}/events/{event}', 'admin'],
    ]);
    expect(routesOf({ route: 'ops/sagas', authLevel: 'function' })[1]).toEqual([
      'showSaga',
      ['GET'],
      'ops/sagas/{saga}/{id}',
      'function',
    ]);
  });
});
