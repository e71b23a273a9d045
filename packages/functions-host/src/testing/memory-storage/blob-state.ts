/*
 * The blobs of a storage account, in memory: containers, block and append blobs with their versions' ETags, and leases.
 *
 * A write makes a new version with an ETag that no other version of this account ever had, whatever the clock says, since
 * under a clock that stands still many versions have the same time. Conditions and leases are looked at before anything is
 * changed. `onWritten` is called after each write of a blob.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../../clock';
import { Lease } from './lease';
import { StorageError } from './storage-error';

export type Metadata = Readonly<Record<string, string>>;

/** What a client says a blob's content is; headers of the same names, without `x-ms-blob-`. */
export interface ContentHeaders {
  readonly 'content-type'?: string | undefined;
  readonly 'content-encoding'?: string | undefined;
  readonly 'content-language'?: string | undefined;
  readonly 'content-disposition'?: string | undefined;
  readonly 'cache-control'?: string | undefined;
}

/** Times are milliseconds since the epoch. */
export interface KeptBlob {
  readonly name: string;
  readonly type: 'BlockBlob' | 'AppendBlob';
  readonly content: Buffer;
  readonly headers: ContentHeaders;
  /** Base64; undefined for what was put together from parts. */
  readonly md5: string | undefined;
  readonly metadata: Metadata;
  readonly tier: string;
  /** With quotes, as in headers. */
  readonly etag: string;
  readonly createdAt: number;
  readonly modifiedAt: number;
  /** Ids and sizes of the blocks that it was put together from, in order; for an append blob one for each appended part. */
  readonly blocks: readonly Block[];
  readonly lease: Lease;
}

export interface Block {
  readonly id: string;
  readonly content: Buffer;
}

export interface Container {
  readonly name: string;
  readonly blobs: Map<string, KeptBlob>;
  /** Blocks that wait for their list, by blob. */
  readonly staged: Map<string, Map<string, Block>>;
  readonly lease: Lease;
  metadata: Metadata;
  access: string | undefined;
  etag: string;
  modifiedAt: number;
}

/** What becomes of a blob by a write; what is left out is as in a new blob. */
export interface BlobWrite {
  readonly type: KeptBlob['type'];
  readonly content: Buffer;
  readonly headers?: ContentHeaders;
  readonly metadata?: Metadata;
  readonly blocks?: readonly Block[];
  readonly tier?: string;
}

export interface BlobStateOptions {
  readonly clock: Clock;
  readonly onWritten: (container: string, blobName: string) => void;
}

export class BlobState {
  readonly #clock: Clock;
  readonly #onWritten: (container: string, blobName: string) => void;
  readonly #containers = new Map<string, Container>();
  #versions = 0;

  constructor({ clock, onWritten }: BlobStateOptions) {
    this.#clock = clock;
    this.#onWritten = onWritten;
  }

  close(): void {
    this.#containers.clear();
  }

  containers(): readonly Container[] {
    return [...this.#containers.values()].sort((a, b) => compare(a.name, b.name));
  }

  find(container: string): Container | undefined {
    return this.#containers.get(container);
  }

  get(container: string): Container {
    const found = this.#containers.get(container);
    if (found !== undefined) return found;
    throw new StorageError(404, 'ContainerNotFound', 'The specified container does not exist.');
  }

  create(name: string, metadata: Metadata = {}, access?: string): Container {
    if (this.#containers.has(name)) {
      throw new StorageError(409, 'ContainerAlreadyExists', 'The specified container already exists.');
    }
    const container: Container = {
      ...{ name, metadata, access, blobs: new Map(), staged: new Map(), lease: new Lease(this.#clock) },
      ...{ etag: this.#newEtag(), modifiedAt: this.#clock.now() },
    };
    this.#containers.set(name, container);
    return container;
  }

  delete(name: string): void {
    this.get(name);
    this.#containers.delete(name);
  }

  /** Its metadata or access was changed. */
  touch(container: Container): void {
    container.etag = this.#newEtag();
    container.modifiedAt = this.#clock.now();
  }

  /** Blobs of a container whose names start with `prefix`, by name. */
  list(container: string, prefix: string): readonly KeptBlob[] {
    const blobs = [...this.get(container).blobs.values()].filter(({ name }) => name.startsWith(prefix));
    return blobs.sort((a, b) => compare(a.name, b.name));
  }

  blob(container: string, name: string): KeptBlob {
    const blob = this.get(container).blobs.get(name);
    if (blob !== undefined) return blob;
    throw new StorageError(404, 'BlobNotFound', 'The specified blob does not exist.');
  }

  /** Writes a whole blob, over what was there; its lease and the time it was made stay. */
  write(container: string, name: string, { type, content, headers, metadata, blocks, tier }: BlobWrite): KeptBlob {
    const { blobs, staged } = this.get(container);
    const before = blobs.get(name);
    const now = this.#clock.now();
    const blob: KeptBlob = {
      ...{ name, type, content, metadata: metadata ?? {}, blocks: blocks ?? [], tier: tier ?? 'Hot' },
      headers: { ...headers, 'content-type': headers?.['content-type'] ?? 'application/octet-stream' },
      md5: blocks === undefined ? createHash('md5').update(content).digest('base64') : undefined,
      ...{ etag: this.#newEtag(), createdAt: before?.createdAt ?? now, modifiedAt: now },
      lease: before?.lease ?? new Lease(this.#clock),
    };
    staged.delete(name);
    blobs.set(name, blob);
    this.#onWritten(container, name);
    return blob;
  }

  /** Changes what is said about a blob; its content stays. */
  describe(container: string, blob: KeptBlob, change: Partial<Pick<KeptBlob, 'headers' | 'metadata'>>): KeptBlob {
    const changed: KeptBlob = { ...blob, ...change, etag: this.#newEtag(), modifiedAt: this.#clock.now() };
    this.get(container).blobs.set(blob.name, changed);
    this.#onWritten(container, blob.name);
    return changed;
  }

  /** The tier is no part of the version. */
  setTier(container: string, blob: KeptBlob, tier: string): void {
    this.get(container).blobs.set(blob.name, { ...blob, tier });
  }

  remove(container: string, name: string): void {
    this.blob(container, name);
    this.get(container).blobs.delete(name);
  }

  /** Keeps a block until a list makes it part of the blob. */
  stage(container: string, name: string, block: Block): void {
    const { staged } = this.get(container);
    const blocks = staged.get(name) ?? new Map<string, Block>();
    staged.set(name, blocks.set(block.id, block));
  }

  #newEtag(): string {
    this.#versions++;
    return `"0x8DC${this.#versions.toString(16).toUpperCase().padStart(12, '0')}"`;
  }
}

/** By code units, as the service sorts. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
