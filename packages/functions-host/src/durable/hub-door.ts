import { emptyAnswer } from './answers';
import { forwardedHeader, markAnswered } from './forward-request';
import type { HubRole } from './hub-role';
import { toErrorAnswer } from './management-api';
import type { OtherHubs } from './other-hubs';
import { refuse } from './pass-on';
import type { WebhookRequest, WebhookResponse } from './ports';

export interface HubDoorOptions {
  readonly role: HubRole;
  readonly others: OtherHubs;
  readonly hubName: string;
  isKnownConnection(name: string): boolean;
  /** Answers what is for the task hub of this host. */
  readonly here: (request: WebhookRequest) => Promise<WebhookResponse>;
}

/**
 * Sends each request to the host that works on the task hub it names: this one unless it says otherwise. A request that was passed on
 * is answered here or refused; it is for the hub of the lease row that it was found by.
 */
export function createHubDoor(options: HubDoorOptions): (request: WebhookRequest) => Promise<WebhookResponse> {
  const { role, others, here } = options;
  const isOwnHub = (name: string): boolean => name.toLowerCase() === options.hubName.toLowerCase();
  return async (request) => {
    const hub = readParameter(request.query, 'taskHub') ?? options.hubName;
    const isOwn = isOwnHub(hub);
    const answer = (): Promise<WebhookResponse> => here(request);
    if (request.headers[forwardedHeader] === undefined) {
      const connection = readParameter(request.query, 'connection');
      if (connection !== undefined && !options.isKnownConnection(connection)) return refuseConnection(connection);
      return isOwn ? role.answer(request, answer) : others.answer(hub, request);
    }
    if (!role.isPassedOn(request.headers)) return refuse(`Task hub '${hub}'`, 'this host does not work on it');
    if (!isOwn) return markAnswered(emptyAnswer(404));
    return role.answer(request, async () => markAnswered(await answer()));
  };
}

/** Names are matched without case; what is blank is not there, as on the real host. */
function readParameter(query: URLSearchParams, name: string): string | undefined {
  for (const [key, value] of query) {
    if (key.toLowerCase() === name.toLowerCase() && value.trim() !== '') return value;
  }
  return undefined;
}

function refuseConnection(name: string): WebhookResponse {
  return toErrorAnswer(new Error(`Unable to resolve the Azure Storage connection named '${name}'.`));
}
