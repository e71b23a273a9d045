import type { BlobState, KeptBlob } from './blob-state';
import type { TestBlobs, TestBlob } from '../test-storage';

export function createTestBlobs(state: BlobState): TestBlobs {
  return {
    async put(path, content, options = {}) {
      const { container, name } = splitPath(path);
      const { bytes, type } = toContent(path, content);
      if (state.find(container) === undefined) state.create(container);
      const blob = state.write(container, name, {
        type: 'BlockBlob',
        content: bytes,
        headers: { 'content-type': options.contentType ?? type },
        ...(options.metadata && { metadata: options.metadata }),
      });
      return toTestBlob(container, blob);
    },
    async get(path) {
      const { container, name } = splitPath(path);
      const blob = state.find(container)?.blobs.get(name);
      return blob && toTestBlob(container, blob);
    },
    async list(path) {
      const [container = '', ...prefix] = path.split('/');
      if (state.find(container) === undefined) return [];
      return state.list(container, prefix.join('/')).map((blob) => toTestBlob(container, blob));
    },
    async delete(path) {
      const { container, name } = splitPath(path);
      if (state.find(container)?.blobs.has(name) !== true) return false;
      state.remove(container, name);
      return true;
    },
    containers: async () => state.containers().map(({ name }) => name),
  };
}

const containerName = /^(?:\$root|[a-z0-9](?:-?[a-z0-9])*)$/;

function splitPath(path: string): { container: string; name: string } {
  const slash = path.indexOf('/');
  const container = slash < 0 ? path : path.slice(0, slash);
  const name = slash < 0 ? '' : path.slice(slash + 1);
  const isContainer = containerName.test(container) && container.length >= 3 && container.length <= 63;
  if (isContainer && name !== '') return { container, name };
  throw new Error(
    `A blob's path must be container/name, the container's name of 3 to 63 small letters, digits and single hyphens; got '${path}'.`,
  );
}

function toContent(path: string, content: unknown): { bytes: Buffer; type: string } {
  if (content instanceof Uint8Array) return { bytes: Buffer.from(content), type: 'application/octet-stream' };
  if (typeof content === 'string') return { bytes: Buffer.from(content), type: 'text/plain; charset=utf-8' };
  const text = JSON.stringify(content) as string | undefined;
  if (text !== undefined) return { bytes: Buffer.from(text), type: 'application/json' };
  throw new Error(`Blob '${path}' must be a text, bytes or something that JSON can write; got ${typeof content}.`);
}

function toTestBlob(container: string, { name, content, headers, metadata, etag, modifiedAt }: KeptBlob): TestBlob {
  // A copy: whoever writes into it shall not change the blob.
  const bytes = Buffer.from(content);
  const text = content.toString();
  return {
    ...{ path: `${container}/${name}`, bytes, text, metadata, etag, modifiedAt },
    contentType: headers['content-type'] ?? '',
    json: () => JSON.parse(text) as unknown,
  };
}
