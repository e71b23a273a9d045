import { randomUUID } from 'node:crypto';
import type { BindingData, FunctionRuntime } from '../app/function-runtime';
import type { Invoker } from '../app/invocation';
import type { TypedData } from '../app/typed-data';
import type { ReadBlob } from './blob-source';

/** One run of a function for one blob. */
export interface BlobRun {
  readonly runtime: FunctionRuntime;
  readonly invoker: Invoker;
  readonly container: string;
  readonly blobName: string;
  readonly read: ReadBlob;
  /** Values of the trigger's path. */
  readonly params: Readonly<Record<string, string>>;
  /** How the blob was noticed, as the log says it. */
  readonly noticedBy: 'LogsAndContainerScan' | 'EventGrid';
  readonly attempt: number;
  /** Milliseconds since the Unix epoch. */
  readonly noticedAt: number;
  /** Of the message that the run comes from, if it comes from one. */
  readonly messageId?: string;
}

/** Runs a blob's function with what the real host tells about a blob. Rejects with the handler's own error. */
export async function invokeForBlob(run: BlobRun): Promise<void> {
  const { runtime, invoker, read, params } = run;
  const path = `${run.container}/${run.blobName}`;
  const triggerMetadata: Record<string, TypedData> = {
    BlobTrigger: { string: path },
    Uri: { string: read.uri },
    Properties: { json: JSON.stringify(read.properties) },
    Metadata: { json: JSON.stringify(read.metadata) },
  };
  for (const [name, value] of Object.entries(params)) triggerMetadata[name] = { string: value };
  await invoker.invoke(runtime, {
    reason: `New blob detected(${run.noticedBy}): ${path}`,
    triggerDetails:
      `MessageId: ${run.messageId ?? randomUUID()}, DequeueCount: ${run.attempt}, ` +
      `InsertionTime: ${new Date(run.noticedAt).toISOString()}, ` +
      `BlobCreated: ${read.created ?? ''}, BlobLastModified: ${read.modified ?? ''}`,
    trigger: { bytes: read.content },
    triggerMetadata,
    bindingData: (): BindingData => ({
      ...params,
      ...{ blobTrigger: path, uri: read.uri, metadata: read.metadata, properties: read.properties },
    }),
  });
}
