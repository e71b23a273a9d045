import { createAdministration } from './admin/administration';
import { createAdminListener } from './admin/http';
import { createAmqpFront } from './amqp/front';
import { openAmqpPort } from './amqp-port';
import type { Broker } from './broker/broker';
import { createBroker } from './broker/create-broker';
import type { Namespace } from './broker/entities';
import { realClock } from './clock';
import { readConfig } from './config/config';
import { openHealthPort } from './health';
import { reachableAs, secureNameOf, toConnectionString, warningOf } from './addresses';
import { openJournal } from './journal/journal';
import type { OpenPort } from './listening';
import type { EmulatorLog } from './log';
import type { EmulatorOptions } from './options';
import { createTokenCheck } from './sas';
import { createStoppableClock } from './stoppable-clock';
import { openTls } from './tls/tls-port';

/** A running emulator. */
export interface Emulator {
  /** For Microsoft's clients, over plain AMQP on this machine. */
  readonly connectionString: string;
  /** Port of plain AMQP. */
  readonly port: number;
  /** Given when TLS was asked for. */
  readonly tls?: EmulatorTls;
  /** Given when a health endpoint was asked for. */
  readonly health?: { readonly url: string };
  /** The namespace itself: entities, counts, messages. */
  readonly broker: Broker;
  /** Stops listening, ends all connections, writes what is to be kept, and lets go of all it holds. */
  close(): Promise<void>;
}

export interface EmulatorTls {
  /** For AMQP over TLS, AMQP over WebSockets and the administration client. */
  readonly connectionString: string;
  readonly port: number;
  /** PEM file for NODE_EXTRA_CA_CERTS, which Node reads once, when it starts. */
  readonly certificateFile: string;
}

const DEFAULT_HOST = '127.0.0.1';
/** 256 KB, as in Azure's standard tier. */
const DEFAULT_MESSAGE_BYTES = 262_144;
const silent: EmulatorLog = { log: () => undefined };
const noEntities: Namespace = { queues: [], topics: [] };

/**
 * Starts an emulator in this process.
 * @throws EmulatorError when a port is taken, or an option or the configuration is wrong: it names what was expected,
 *   what came, and where.
 */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const closers: (() => Promise<void>)[] = [];
  const closeAll = async (): Promise<void> => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  try {
    const started = await open(options, (close) => closers.push(close));
    let closing: Promise<void> | undefined;
    return { ...started, close: () => (closing ??= closeAll()) };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

type OnClose = (close: () => Promise<void>) => void;

async function open(options: EmulatorOptions, onClose: OnClose): Promise<Omit<Emulator, 'close'>> {
  const { log = silent, host = DEFAULT_HOST, config, quotas = {}, sasKeys: keys, tls, healthPort, data } = options;
  const warn = (message: string): void => log.log('Warning', message);
  const clock = createStoppableClock(options.clock ?? realClock);
  onClose(async () => clock.stop());
  const namespace = typeof config === 'string' ? await readConfig(config, warn) : (config ?? noEntities);
  const journal = data === undefined ? undefined : await openJournal({ folder: data, clock, log: warn });
  if (journal) onClose(() => journal.close());
  const broker = createBroker({
    clock,
    namespace,
    quotas,
    ...(journal && { journal }),
    log: (message) => log.log('Information', message),
  });
  const checkToken = createTokenCheck(keys, clock);
  const front = createAmqpFront({
    ...{ broker, clock, checkToken, quotas, log },
    ...(options.clock !== undefined && { patience: realClock }),
  });
  const ports: OpenPort[] = [];
  onClose(async () => {
    const drained = front.close();
    await Promise.all([drained, ...ports.map((port) => port.close(drained))]);
  });

  const { maxMessageBytes = DEFAULT_MESSAGE_BYTES } = quotas;
  const administration = createAdministration({ broker, clock, maxMessageBytes, log });
  const admin = { administration, durable: () => broker.durable(), checkToken, log };
  const amqp = await openAmqpPort(host, options.port ?? 0, front.accept);
  ports.push(amqp);
  const name = reachableAs(host);
  const secure = tls && (await openTls(tls, host, { accept: front.accept, admin, log }));
  if (secure) ports.push(secure.port);
  const listener = createAdminListener({ ...admin, scheme: 'http' });
  const health = healthPort === undefined ? undefined : await openHealthPort(host, healthPort, listener);
  if (health) ports.push(health);
  const warning = warningOf(host, keys !== undefined);
  if (warning !== undefined) warn(warning);
  return {
    connectionString: toConnectionString({ host: name, port: amqp.port, keys, secure: false }),
    port: amqp.port,
    broker,
    ...(secure && {
      tls: {
        connectionString: toConnectionString({
          host: secureNameOf(host),
          port: secure.port.port,
          keys,
          secure: true,
        }),
        port: secure.port.port,
        certificateFile: secure.certificateFile,
      },
    }),
    ...(health && { health: { url: `http://${name}:${health.port}/health` } }),
  };
}
