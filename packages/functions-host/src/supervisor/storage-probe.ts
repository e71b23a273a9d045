import { get } from 'node:http';
import { formatAddress, tryConnect } from './addresses';
import { StartError } from '../host/start-error';
import { messageOf } from './failures';
import type { StorageEndpoint, StorageSetting } from './storage-settings';

const PATIENCE_MS = 5_000;

/**
 * Makes sure that a storage service that is not ours is there.
 * @throws StartError that names the setting and the address, what was expected and what came.
 */
export async function checkForeignStorage(setting: StorageSetting): Promise<void> {
  const endpoint = setting.endpoints.blob ?? setting.endpoints.queue ?? setting.endpoints.table;
  if (!endpoint) return;
  const problem =
    setting.isLocal && !endpoint.isHttps
      ? await askWhetherStorage(endpoint, setting.account)
      : await tryToReach(endpoint);
  if (problem === undefined) return;
  throw new StartError(`${setting.name}: expected a storage service at ${formatAddress(endpoint)}, but ${problem}.`);
}

async function tryToReach(endpoint: StorageEndpoint): Promise<string | undefined> {
  const code = await tryConnect(endpoint, PATIENCE_MS);
  return code === undefined ? undefined : `it can not be reached (${code})`;
}

/** Every answer of a storage service, errors too, carries its request id; nothing else's does. */
function askWhetherStorage({ host, port }: StorageEndpoint, account: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const request = get(
      { host, port, path: `/${account}?comp=list`, timeout: PATIENCE_MS, agent: false },
      (response) => {
        response.resume();
        const isStorage =
          response.headers['x-ms-request-id'] !== undefined || response.headers['x-ms-error-code'] !== undefined;
        const server = String(response.headers['server'] ?? '');
        resolve(
          isStorage
            ? undefined
            : `what listens there answered like something else (HTTP ${response.statusCode ?? '?'}${server ? `, server ${server}` : ''})`,
        );
      },
    );
    request.once('timeout', () => {
      request.destroy(new Error(`it said nothing for ${PATIENCE_MS / 1000} s`));
    });
    request.once('error', (error) =>
      resolve(`what listens there does not speak HTTP as expected (${messageOf(error)})`),
    );
  });
}
