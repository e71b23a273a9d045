import { connect } from 'node:net';
import { StartError } from '../host/start-error';
import { type Address, formatAddress, tryConnect } from './addresses';
import type { ServiceBusSetting } from './service-bus-settings';

const patienceMs = 5_000;
/** How both sides of an AMQP 1.0 connection begin, when they agree on SASL first. */
const saslHeader = Buffer.from([0x41, 0x4d, 0x51, 0x50, 3, 1, 0, 0]);

/**
 * Makes sure that a Service Bus that is not ours is there.
 * @throws StartError that names the setting and the address, what was expected and what came.
 */
export async function checkForeignServiceBus({ name, address, isEmulator }: ServiceBusSetting): Promise<void> {
  const problem = isEmulator ? await askWhetherAmqp(address) : await tryToReach(address);
  if (problem === undefined) return;
  throw new StartError(`${name}: expected Service Bus at ${formatAddress(address)}, but ${problem}.`);
}

async function tryToReach(address: Address): Promise<string | undefined> {
  const code = await tryConnect(address, patienceMs);
  return code === undefined ? undefined : `it can not be reached (${code})`;
}

function askWhetherAmqp({ host, port }: Address): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    let heard = Buffer.alloc(0);
    const finish = (answer: string | undefined): void => {
      socket.destroy();
      resolve(answer);
    };
    const amqp = saslHeader.subarray(0, 4);
    socket.setTimeout(patienceMs, () => finish(`it said nothing for ${patienceMs / 1000} s`));
    socket.once('connect', () => socket.write(saslHeader));
    socket.on('data', (chunk: Buffer) => {
      heard = Buffer.concat([heard, chunk]);
      if (heard.length < amqp.length) return;
      finish(heard.subarray(0, amqp.length).equals(amqp) ? undefined : 'what listens there does not speak AMQP');
    });
    socket.once('end', () => finish('what listens there does not speak AMQP'));
    socket.once('error', (error: NodeJS.ErrnoException) =>
      finish(`it can not be reached (${error.code ?? error.message})`),
    );
  });
}
