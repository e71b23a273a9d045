import type { ReadInput, WriteOutput } from '../app/function-runtime';
import type { BindingMetadata } from '../app/registered-function';
import { type TypedData, typedDataToBytes } from '../app/typed-data';
import type { Clock } from '../clock';
import { parseBlobTemplate } from './blob-path';
import { type StorageAccounts, toConnectionName } from './storage-account';

/** Reads a blob as an input: its bytes, or nothing if it is not there. */
export function toBlobReader(binding: BindingMetadata, accounts: StorageAccounts, clock: Clock): ReadInput {
  const { template, connection } = prepare(binding, accounts);
  return async (data) => {
    const { container, blob } = template.fill(data, clock);
    const client = (await accounts.blobs(connection)).getContainerClient(container).getBlobClient(blob);
    try {
      return { bytes: await client.downloadToBuffer() };
    } catch (error) {
      if ((error as { statusCode?: number }).statusCode === 404) return undefined;
      throw error;
    }
  };
}

/** Writes a blob as an output, over what was there; makes the container if it is missing. */
export function toBlobWriter(binding: BindingMetadata, accounts: StorageAccounts, clock: Clock): WriteOutput {
  const { template, connection } = prepare(binding, accounts);
  return async (value, data) => {
    const { container, blob } = template.fill(data, clock);
    const containerClient = (await accounts.blobs(connection)).getContainerClient(container);
    const bytes = typedDataToBytes(value);
    const options = { blobHTTPHeaders: { blobContentType: toContentType(value) } };
    const client = containerClient.getBlockBlobClient(blob);
    try {
      await client.uploadData(bytes, options);
    } catch (error) {
      if ((error as { code?: string }).code !== 'ContainerNotFound') throw error;
      await containerClient.createIfNotExists();
      await client.uploadData(bytes, options);
    }
  };
}

function prepare(
  binding: BindingMetadata,
  accounts: StorageAccounts,
): { template: ReturnType<typeof parseBlobTemplate>; connection: string } {
  const { path } = binding;
  if (typeof path !== 'string') throw new Error(`binding '${binding.name}' needs a path such as container/{name}.`);
  const connection = toConnectionName(binding['connection']);
  accounts.check(connection, 'blob');
  return { template: parseBlobTemplate(path), connection };
}

function toContentType(value: TypedData): string {
  if (value.string !== undefined) return 'text/plain; charset=utf-8';
  return value.bytes === undefined ? 'application/json' : 'application/octet-stream';
}
