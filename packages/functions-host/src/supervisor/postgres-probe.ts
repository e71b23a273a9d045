import { connect } from 'node:net';
import { Client } from 'pg';
import { formatAddress } from './addresses';
import type { Address } from './addresses';
import { StartError } from '../host/start-error';
import { messageOf } from './failures';
import type { PostgresSetting } from './postgres-settings';

const PATIENCE_MS = 5_000;
/** Asks a PostgreSQL server whether it speaks TLS: it answers one byte, S or N, before anything else is said. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);

/**
 * Makes sure that a PostgreSQL server that is not ours is there and lets the setting's user into its database. Without a
 * password in the URL (the app may get one elsewhere) only that it is there.
 * @throws StartError that names the setting and the address, what was expected and what came.
 */
export async function checkForeignPostgres(setting: PostgresSetting): Promise<void> {
  const where = formatAddress(setting.address);
  const problem = await askWhetherPostgres(setting.address);
  if (problem !== undefined)
    throw new StartError(`${setting.name}: expected a PostgreSQL server at ${where}, but ${problem}.`);
  if (setting.password === undefined) return;
  const client = new Client({ connectionString: setting.url, connectionTimeoutMillis: PATIENCE_MS });
  client.on('error', () => undefined);
  try {
    await client.connect();
  } catch (error) {
    throw new StartError(
      `${setting.name}: the PostgreSQL server at ${where}, which functions-host did not start, does not let user ` +
        `"${setting.user}" into database "${setting.database}": ${messageOf(error)}. ` +
        `Correct the setting${setting.isLocal ? ', or name a port on which nothing listens to have a server started there' : ''}.`,
    );
  } finally {
    await client.end().catch(() => undefined);
  }
}

function askWhetherPostgres({ host, port }: Address): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    let isConnected = false;
    const finish = (problem?: string): void => {
      socket.destroy();
      resolve(problem);
    };
    socket.setTimeout(PATIENCE_MS, () => {
      finish(
        isConnected
          ? `what listens there said nothing for ${PATIENCE_MS / 1000} s`
          : 'it can not be reached (ETIMEDOUT)',
      );
    });
    socket.once('connect', () => {
      isConnected = true;
      socket.write(SSL_REQUEST);
    });
    socket.once('data', (chunk) => {
      const isAnswer = chunk.length === 1 && (chunk[0] === 0x53 || chunk[0] === 0x4e);
      finish(isAnswer ? undefined : `what listens there answered ${JSON.stringify(firstLine(chunk))}`);
    });
    socket.once('end', () => finish('what listens there hung up'));
    socket.once('error', (error: NodeJS.ErrnoException) => {
      const code = error.code ?? messageOf(error);
      finish(isConnected ? `what listens there hung up (${code})` : `it can not be reached (${code})`);
    });
  });
}

function firstLine(chunk: Buffer): string {
  return (
    chunk
      .toString('latin1')
      .split(/[\r\n]/)[0]
      ?.slice(0, 80) ?? ''
  );
}
