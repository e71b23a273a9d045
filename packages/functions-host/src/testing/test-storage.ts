import type { Duration } from './duration';

/** The blobs of a test's storage, as the test sees and writes them. A path is `container/name`; names may have slashes. */
export interface TestBlobs {
  /**
   * Writes a block blob, over what is there; its container is made if it is missing.
   * @param content a text or bytes as they are; anything else goes as JSON.
   */
  put(path: string, content: unknown, options?: PutOptions): Promise<TestBlob>;
  /** Undefined if there is none. */
  get(path: string): Promise<TestBlob | undefined>;
  /** All blobs of a container (`imports`), or those whose names start so (`imports/2026/`), by name. */
  list(path: string): Promise<readonly TestBlob[]>;
  /** @returns false if there was none. */
  delete(path: string): Promise<boolean>;
  /** Names of all containers; the host keeps its own things in `azure-webjobs-hosts`. */
  containers(): Promise<readonly string[]>;
}

export interface PutOptions {
  /** By default what fits the content: text, JSON or bytes. */
  readonly contentType?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** One version of a blob. */
export interface TestBlob {
  /** `container/name` */
  readonly path: string;
  readonly bytes: Buffer;
  readonly text: string;
  readonly contentType: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** Another one for each version. */
  readonly etag: string;
  /** Milliseconds since the epoch. */
  readonly modifiedAt: number;
  /** @throws SyntaxError if it is no JSON. */
  json(): unknown;
}

/** The queues of a test's storage, as the test sees and fills them. */
export interface TestQueues {
  /**
   * Puts a message into a queue, which is made if it is missing.
   * @param message a text or bytes as they are; anything else goes as JSON.
   */
  send(queue: string, message: unknown, options?: SendOptions): Promise<TestMessage>;
  /** The message that would be fetched next; undefined if there is none, or all are hidden. */
  peek(queue: string): Promise<TestMessage | undefined>;
  /** All messages of a queue in the order in which they were sent, those too that are hidden. */
  list(queue: string): Promise<readonly TestMessage[]>;
  /** Number of messages, hidden ones too; 0 for a queue that nobody made. */
  length(queue: string): Promise<number>;
  /** Names of all queues. */
  names(): Promise<readonly string[]>;
}

export interface SendOptions {
  /** How long nobody can fetch it, e.g. '24 hours'. */
  readonly visibleIn?: Duration;
  /** How long it is kept, e.g. '7 days' (as without it); Infinity until it is removed. */
  readonly timeToLive?: Duration;
}

/** One message; times are milliseconds since the epoch. */
export interface TestMessage {
  readonly id: string;
  readonly text: string;
  /** Undefined if the text is no JSON. */
  readonly json: unknown;
  /** How often it was fetched. */
  readonly dequeueCount: number;
  readonly insertedAt: number;
  /** When it can be fetched (again). */
  readonly visibleAt: number;
  /** Infinity if it stays until it is removed. */
  readonly expiresAt: number;
}
