import { app } from '@azure/functions';
import type { HttpHandler } from '@azure/functions';
import type { DurableClientPort } from '../client/durable-client';
import { clientOf, durableClientInput } from '../host/durable-functions';
import type { Steering, SteeredSagas } from './steering';
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
} from './steering';

export interface SagaRoutes {
  /** What `sagaClients` gives; its sagas are steered under the names that it has them by. */
  readonly sagas: (client: DurableClientPort) => SteeredSagas;
  /** First part of the routes, below the app's prefix (`api` by default). Default: `sagas`. */
  readonly route?: string;
  /**
   * Who may call them. Default: `admin`, the host's master key. Whoever gets here reads the inputs and results of all
   * sagas and can count a payment as made that was not: the keys that callers of the app's other functions have should
   * not open it.
   */
  readonly authLevel?: 'anonymous' | 'function' | 'admin';
  /** Wraps each function's handler, e.g. to make a span of it; `route` is as it is registered. */
  readonly around?: (about: { readonly name: string; readonly route: string }, handler: HttpHandler) => HttpHandler;
}

/**
 * Registers HTTP functions for operators: list, show, resolve what is parked, cancel, raise an event. Errors are
 * `application/problem+json` with a `code`, and list everything that is wrong. They serve the sagas of the app's own task hub:
 * of several apps with hubs of their own, ask the one that the saga is in. Call it once, at the composition root.
 *
 * | function         | request                                                                              |
 * | ---------------- | ------------------------------------------------------------------------------------ |
 * | `listSagas`      | `GET sagas?saga=&state=&createdFrom=&createdTo=&after=&limit=`: `{ instances, next? }` |
 * | `showSaga`       | `GET sagas/{saga}/{id}`                                                                |
 * | `resolveSaga`    | `POST sagas/{saga}/{id}/resolve` with `{ action, output?, step? }`                     |
 * | `cancelSaga`     | `POST sagas/{saga}/{id}/cancel` with `{ reason? }`                                     |
 * | `recoverSaga`    | `POST sagas/{saga}/{id}/recover`: runs the undos that a terminated saga owes           |
 * | `showSagaRecovery` | `GET sagas/{saga}/{id}/recovery`                                                     |
 * | `resolveSagaRecovery` | `POST sagas/{saga}/{id}/recovery/resolve`: what a recovery has parked             |
 * | `raiseSagaEvent` | `POST sagas/{saga}/{id}/events/{event}` with the payload                               |
 */
export function registerSagaRoutes({ sagas, route = 'sagas', authLevel = 'admin', around }: SagaRoutes): void {
  const register = (name: string, method: 'GET' | 'POST', path: string, steering: Steering): void => {
    const handler: HttpHandler = (request, context) =>
      reply(
        steering,
        () => sagas(clientOf(context)),
        request,
        context.invocationId,
        (error) => context.error(`request ${context.invocationId} failed:`, error),
      );
    const about = { name, route: `${route}${path}` };
    app.http(name, {
      methods: [method],
      route: about.route,
      authLevel,
      extraInputs: [durableClientInput()],
      handler: around?.(about, handler) ?? handler,
    });
  };
  register('listSagas', 'GET', '', answerList);
  register('showSaga', 'GET', '/{saga}/{id}', answerShow);
  register('resolveSaga', 'POST', '/{saga}/{id}/resolve', answerResolve);
  register('cancelSaga', 'POST', '/{saga}/{id}/cancel', answerCancel);
  register('recoverSaga', 'POST', '/{saga}/{id}/recover', answerRecover);
  register('showSagaRecovery', 'GET', '/{saga}/{id}/recovery', answerShowRecovery);
  register('resolveSagaRecovery', 'POST', '/{saga}/{id}/recovery/resolve', answerResolveRecovery);
  register('raiseSagaEvent', 'POST', '/{saga}/{id}/events/{event}', answerEvent);
}
