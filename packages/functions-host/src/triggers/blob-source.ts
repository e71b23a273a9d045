import type { StorageAccounts } from './storage-account';
import type { StopWatching } from './storage-news';

/** One version of a blob, as a listing shows it. */
export interface ListedBlob {
  readonly name: string;
  /** Without quotes. */
  readonly etag: string;
  /** Milliseconds since the epoch. */
  readonly lastModified: number;
}

/** A blob's content with what the trigger tells the function about it. */
export interface ReadBlob {
  readonly content: Buffer;
  readonly uri: string;
  /** In the shape of the real host's `Properties` trigger metadata. */
  readonly properties: Readonly<Record<string, unknown>>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly created: string | undefined;
  readonly modified: string | undefined;
}

/** What a blob trigger needs of a container, its receipts and the poison queue. */
export interface BlobSource {
  /** All blobs whose names start with `prefix`, in pages; nothing while the container does not exist. */
  list(prefix: string): AsyncIterable<readonly ListedBlob[]>;
  /** This very version; undefined if it is gone or was replaced. */
  read(blob: ListedBlob): Promise<ReadBlob | undefined>;
  /** Keys (see `receiptKey`) of all versions that were handled. */
  receipts(): Promise<Set<string>>;
  writeReceipt(blob: ListedBlob): Promise<void>;
  sendPoison(blob: ListedBlob): Promise<void>;
  /** Calls back whenever a blob was written; a container without this has to be listed again and again. */
  readonly watch?: ((wake: () => void) => StopWatching) | undefined;
}

/** What a blob function that is told of blobs needs of the container. */
export interface ToldBlobs {
  /** Whatever version there is now; undefined if there is none. */
  readCurrent(blobName: string): Promise<ReadBlob | undefined>;
  /** Puts a text as it is into the poison queue of the blob's account. */
  sendPoisonText(text: string): Promise<void>;
}

/** Queue that a blob's description goes to when its function failed for good. */
export const poisonQueue = 'webjobs-blobtrigger-poison';

/** Names one version of a blob among the receipts of a function. */
export function receiptKey(container: string, blob: ListedBlob): string {
  return `${blob.etag}/${container}/${blob.name}`;
}

export interface BlobSourceOptions {
  readonly accounts: StorageAccounts;
  /** Setting of the watched account. */
  readonly connection: string;
  readonly container: string;
  readonly functionName: string;
  readonly receipts: ReceiptBlobs;
}

/** Where the receipts of all functions are. */
export interface ReceiptBlobs {
  list(functionName: string): Promise<Set<string>>;
  write(functionName: string, key: string): Promise<void>;
}
