import type { Namespace } from './broker/entities';
import type { Clock } from './clock';
import type { EmulatorLog } from './log';
import type { SasKey } from './sas';

/** What an emulator is started with. All of it has a default: an empty namespace on a free port of 127.0.0.1. */
export interface EmulatorOptions {
  /** A Config.json in the official emulator's format, or the entities themselves (default: none, for the administration API to make). */
  readonly config?: string | Namespace;
  /** Port of plain AMQP (default 0: a free one). */
  readonly port?: number;
  /**
   * Address to listen on (default 127.0.0.1). Anything but a loopback address lets other machines in: that is allowed,
   * and said in a warning.
   */
  readonly host?: string;
  /** Port of `GET /health` over plain HTTP (0: a free one; left out: no health endpoint). */
  readonly healthPort?: number;
  /** Also serve TLS: AMQP, AMQP over WebSockets and the administration API, all on one port. */
  readonly tls?: TlsOptions;
  /** Folder that keeps the messages over a restart (left out: nothing is kept). */
  readonly data?: string;
  readonly quotas?: Quotas;
  /** Given: every client needs a token that one of these keys has signed. Left out: every token is taken. */
  readonly sasKeys?: readonly SasKey[];
  /** Source of time for locks, times-to-live, schedules and histories of duplicates (default: the machine's). */
  readonly clock?: Clock;
  /** Left out: nothing is logged. */
  readonly log?: EmulatorLog;
}

export interface TlsOptions {
  /** Default 0: a free port. */
  readonly port?: number;
  /** Where the certificate and its key are kept, and used again while they are valid. */
  readonly folder: string;
}

/** Limits of Azure that a test may want to meet. All are off when left out, but the size of a message. */
export interface Quotas {
  /** Largest message in bytes, all sections counted (default 262,144: the standard tier's 256 KB). */
  readonly maxMessageBytes?: number;
  /** Largest batch in bytes (default: what a message may have). */
  readonly maxBatchBytes?: number;
  /** Open connections. */
  readonly maxConnections?: number;
  /** Queues and topics together. */
  readonly maxEntities?: number;
  /** Bytes that wait in one queue or subscription (default: the entity's own maxSizeInMegabytes is not enforced). */
  readonly maxQueueBytes?: number;
}
