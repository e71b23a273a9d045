import { buffer } from 'node:stream/consumers';
import yazl from 'yazl';

/** 1980, where a zip's time begins: when a file was written is no part of what it is. */
const mtime = new Date(1980, 0, 1);

/** A zip of `files` (path -> content), the same bytes whenever and wherever it is made with one version of Node. */
export async function zip(files) {
  const archive = new yazl.ZipFile();
  for (const [name, content] of inOrder(files)) {
    archive.addBuffer(content, name, { mtime, mode: 0o100644, forceDosTimestamp: true, compressionLevel: 9 });
  }
  archive.end();
  return buffer(archive.outputStream);
}

const inOrder = (files) => [...files].sort(([a], [b]) => (a < b ? -1 : 1));
