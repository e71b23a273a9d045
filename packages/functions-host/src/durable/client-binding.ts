/** Where the management API listens, and what its links carry. */
export interface LinkContext {
  /** e.g. `http://127.0.0.1:7071` */
  readonly origin: string;
  readonly hubName: string;
  readonly connectionName: string;
  /** Put into links as `code=`. */
  readonly systemKey: string | undefined;
}

export const WEBHOOK_PATH = '/runtime/webhooks/durabletask';

/** Stands for the instance id in the binding's management URLs; the client library replaces it. */
const ID_PLACEHOLDER = 'INSTANCEID';

/**
 * What a `durableClient` input binding receives. With `rpcBaseUrl` the client library calls the API without a key;
 * when keys are enforced it is left out, and the library takes the URLs that carry the key.
 * @param keylessUrl where the API answers without a key, e.g. `http://127.0.0.1:7071`.
 */
export function toClientBinding(links: LinkContext, keylessUrl: string | undefined): unknown {
  const base = `${links.origin}${WEBHOOK_PATH}`;
  const key = toKeyParameter(links);
  const withKey = key === '' ? '' : `?${key}`;
  const andKey = key === '' ? '' : `&${key}`;
  const create = `${base}/orchestrators/{functionName}[/{instanceId}]`;
  return {
    taskHubName: links.hubName,
    creationUrls: {
      createNewInstancePostUri: `${create}${withKey}`,
      createAndWaitOnNewInstancePostUri: `${create}?timeout={timeoutInSeconds}&pollingInterval={intervalInSeconds}${andKey}`,
    },
    managementUrls: toManagementLinks(links, ID_PLACEHOLDER, true),
    baseUrl: base,
    requiredQueryStringParameters: key,
    ...(keylessUrl !== undefined && { rpcBaseUrl: `${keylessUrl}${WEBHOOK_PATH}/` }),
  };
}

function toKeyParameter({ systemKey }: LinkContext): string {
  return systemKey === undefined ? '' : `code=${encodeURIComponent(systemKey)}`;
}

/** The links of one instance. The API's own answers have none to rewind, those of the client library do. */
export function toManagementLinks(
  links: LinkContext,
  id: string,
  hasRewind: boolean,
): Record<string, string> & { statusQueryGetUri: string } {
  const to = linkMaker(links, id);
  return {
    id,
    statusQueryGetUri: to('', ''),
    sendEventPostUri: to('/raiseEvent/{eventName}', ''),
    terminatePostUri: to('/terminate', 'reason={text}&'),
    ...(hasRewind && { rewindPostUri: to('/rewind', 'reason={text}&') }),
    purgeHistoryDeleteUri: to('', ''),
    restartPostUri: to('/restart', ''),
    suspendPostUri: to('/suspend', 'reason={text}&'),
    resumePostUri: to('/resume', 'reason={text}&'),
  };
}

function linkMaker(links: LinkContext, id: string): (operation: string, query: string) => string {
  const key = toKeyParameter(links);
  const tail = `taskHub=${links.hubName}&connection=${links.connectionName}${key === '' ? '' : `&${key}`}`;
  return (operation, query) => `${links.origin}${WEBHOOK_PATH}/instances/${id}${operation}?${query}${tail}`;
}
