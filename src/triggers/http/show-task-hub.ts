import type { HttpHandler } from '@azure/functions';
import type { Unfinished } from '../../domain/backlog';
import type { TaskHubsOf } from '../task-hubs';
import { answering } from './problem';

/**
 * `GET /api/task-hub`: the app's task hub, and how many orders, returns and imports of it have not ended, those that are
 * accepted and not started yet among them. An app that is to be left is drained when there are none.
 */
export function showTaskHub(deps: {
  readonly hubsOf: TaskHubsOf;
  readonly unfinished: (taskHub: string | undefined) => Promise<Unfinished>;
}): HttpHandler {
  return answering(async (_request, context) => {
    const { own, other } = deps.hubsOf(context);
    const unfinished = await deps.unfinished(own.taskHubName);
    const drained = Object.values(unfinished).every((count) => count === 0);
    return { jsonBody: { taskHub: own.taskHubName, otherTaskHub: other?.name, unfinished, drained } };
  });
}
