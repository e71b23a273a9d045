/*
 * A file of the journal: a first line with the format's version, then frames of `length (u32) checksum of the payload
 * (u32) checksum of these eight bytes (u32) payload`. A frame is written and synced before the next is begun, so only
 * the last one can be half there after a crash; it was never acknowledged and is cut off. Anything else that does not
 * match its checksum was damaged afterwards, and is an error that names file and offset: what is behind it cannot be
 * trusted to be complete. A snapshot is finished before it gets its name, which an empty frame at its end proves.
 */
import { closeSync, fstatSync, fsyncSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { EmulatorError } from '../emulator-error';

const FORMAT = 1;
export const FILE_HEAD = Buffer.from(`service-bus-emulator journal ${FORMAT}\n`);
const FRAME_HEAD = 12;

/** Head of the frame of a payload. */
export function frameHead(payload: Buffer): Buffer {
  const head = Buffer.allocUnsafe(FRAME_HEAD);
  head.writeUInt32LE(payload.length, 0);
  head.writeUInt32LE(crc32(payload), 4);
  head.writeUInt32LE(crc32(head.subarray(0, 8)), 8);
  return head;
}

/** The frame that ends a snapshot. */
export const endFrame = (): Buffer => frameHead(Buffer.alloc(0));

/**
 * What the end of a file may look like: `whole`, `torn` (a last frame that is half there is cut off: the file that was
 * written last), or `ended` (a snapshot, which has its end frame).
 */
export type FileEnd = 'whole' | 'torn' | 'ended';

/** The payloads of a file, one after the other, checked. Throws EmulatorError for what cannot be read. */
export function* readPayloads(file: string, end: FileEnd): Generator<Buffer> {
  const descriptor = openSync(file, end === 'torn' ? 'r+' : 'r');
  try {
    const { size } = fstatSync(descriptor);
    let at = readHead(descriptor, file, size, end);
    let ended = false;
    while (at < size) {
      const payload = readFrame(descriptor, file, at, size, end);
      if (!payload) {
        ftruncateSync(descriptor, at);
        fsyncSync(descriptor);
        return;
      }
      ended = payload.length === 0;
      if (!ended) yield payload;
      at += FRAME_HEAD + payload.length;
    }
    if (end === 'ended' && !ended) throw damaged(file, size, 'expected the mark of its end, got the end of the file');
  } finally {
    closeSync(descriptor);
  }
}

/** Returns where the frames begin. A file that was only just made may have no head yet. */
function readHead(descriptor: number, file: string, size: number, end: FileEnd): number {
  const head = read(descriptor, 0, Math.min(size, FILE_HEAD.length));
  if (head.equals(FILE_HEAD)) return FILE_HEAD.length;
  if (end === 'torn' && size < FILE_HEAD.length && FILE_HEAD.subarray(0, size).equals(head)) {
    writeSync(descriptor, FILE_HEAD, size, FILE_HEAD.length - size, size);
    fsyncSync(descriptor);
    return FILE_HEAD.length;
  }
  const other = /^service-bus-emulator journal (\d+)\n/.exec(head.toString('latin1'));
  if (!other) throw damaged(file, 0, 'expected a file of a journal, got something else');
  throw new EmulatorError(`${file} has format ${other[1]} of the journal; this version reads format ${FORMAT}.`);
}

/** Undefined: the frame is half there. */
function readFrame(descriptor: number, file: string, at: number, size: number, end: FileEnd): Buffer | undefined {
  const torn = end === 'torn';
  if (at + FRAME_HEAD > size) {
    if (torn) return undefined;
    throw damaged(file, at, `expected a frame, got ${size - at} bytes and the end of the file`);
  }
  const head = read(descriptor, at, FRAME_HEAD);
  if (head.readUInt32LE(8) !== crc32(head.subarray(0, 8))) {
    if (torn && isEmpty(descriptor, at, size)) return undefined;
    throw damaged(file, at, 'the head of a frame does not match its checksum');
  }
  const length = head.readUInt32LE(0);
  if (at + FRAME_HEAD + length > size) {
    if (torn) return undefined;
    throw damaged(file, at, `expected a frame of ${length} bytes, got the end of the file`);
  }
  const payload = read(descriptor, at + FRAME_HEAD, length);
  if (crc32(payload) === head.readUInt32LE(4)) return payload;
  if (torn && at + FRAME_HEAD + length === size) return undefined;
  throw damaged(file, at, 'a frame does not match its checksum');
}

/** Space that the disk had given already, and nothing written to it when the power went. */
function isEmpty(descriptor: number, at: number, size: number): boolean {
  return read(descriptor, at, size - at).every((byte) => byte === 0);
}

function read(descriptor: number, at: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(length);
  let done = 0;
  while (done < length) {
    const more = readSync(descriptor, bytes, done, length - done, at + done);
    if (more === 0) throw new Error('The file became shorter while it was read.');
    done += more;
  }
  return bytes;
}

const damaged = (file: string, offset: number, what: string): EmulatorError =>
  new EmulatorError(
    `${file} is damaged at byte ${offset}: ${what}. ` +
      `Nothing was changed. Put the file back as it was, or remove the folder ${path.dirname(file)} to begin anew.`,
  );
