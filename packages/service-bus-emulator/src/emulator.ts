import type { EmulatorOptions } from './options';

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

/**
 * Starts an emulator in this process.
 * @throws EmulatorError when a port is taken, or an option or the configuration is wrong: it names what was expected,
 *   what came, and where.
 */
export async function startEmulator(_options: EmulatorOptions = {}): Promise<Emulator> {
  throw new Error('startEmulator is not there yet.');
}
