import { open, rename, rm, stat } from 'node:fs/promises';
import { fold } from './fold';
import { endFrame, FILE_HEAD, frameHead, readPayloads } from './segment';
import { type SegmentFile, segmentFile, syncFolder, unfinishedFile } from './segment-files';

/**
 * Makes a snapshot of closed files and removes them. Until it has its name the journal is what it was; afterwards the
 * files that it stands for mean nothing, whether they could be removed or not. Undefined when it was stopped.
 */
export async function compact(
  folder: string,
  files: readonly SegmentFile[],
  now: number,
  stopped: () => boolean,
): Promise<{ readonly file: SegmentFile; readonly before: number; readonly after: number } | undefined> {
  const snapshot = segmentFile(folder, 'snapshot', Math.max(...files.map(({ number }) => number)));
  const unfinished = unfinishedFile(folder);
  let before = 0;
  for (const file of files) before += (await stat(file.path)).size;
  const after = await writeSnapshot(
    unfinished,
    fold(() => payloadsOf(files), now),
    stopped,
  );
  if (after === undefined) {
    await rm(unfinished, { force: true });
    return undefined;
  }
  await rename(unfinished, snapshot.path);
  await syncFolder(folder);
  for (const file of files) if (file.path !== snapshot.path) await rm(file.path, { force: true });
  return { file: snapshot, before, after };
}

function* payloadsOf(files: readonly SegmentFile[]): Generator<Buffer> {
  for (const file of files) yield* readPayloads(file.path, file.kind === 'snapshot' ? 'ended' : 'whole');
}

async function writeSnapshot(
  file: string,
  payloads: AsyncIterable<Buffer>,
  stopped: () => boolean,
): Promise<number | undefined> {
  const handle = await open(file, 'w');
  let offset = 0;
  const write = async (...parts: readonly Buffer[]): Promise<void> => {
    for (const part of parts) {
      await handle.writeFile(part);
      offset += part.length;
    }
  };
  try {
    await write(FILE_HEAD);
    for await (const payload of payloads) {
      if (stopped()) return undefined;
      await write(frameHead(payload), payload);
    }
    await write(endFrame());
    await handle.sync();
    return offset;
  } finally {
    await handle.close();
  }
}
