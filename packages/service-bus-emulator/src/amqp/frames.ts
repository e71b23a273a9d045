/** The frames of which a busy broker writes the most. All others are left to rhea. */
import type { AmqpWriter } from '../message/encode';

const TRANSFER = 0x14;
const DISPOSITION = 0x15;
const ACCEPTED = 0x24;

const [TRUE, FALSE] = [0x41, 0x42];

/** What a transfer takes beside tag and payload, at most. */
export const TRANSFER_BYTES = 64;

export interface TransferFields {
  readonly handle: number;
  readonly id: number;
  readonly tag: Buffer;
  readonly settled: boolean;
  /** Another frame with more of the same delivery follows. */
  readonly more: boolean;
}

/** Begins a transfer of a message of format 0: what is written until the frame is closed is its payload. */
export function openTransfer(writer: AmqpWriter, channel: number, fields: TransferFields): number {
  const frame = writer.openFrame(channel);
  const list = writer.open(TRANSFER, 'list');
  writer.uint(fields.handle);
  writer.uint(fields.id);
  writer.binary(fields.tag);
  writer.uint(0);
  writer.byte(fields.settled ? TRUE : FALSE);
  writer.byte(fields.more ? TRUE : FALSE);
  writer.close(list, 6);
  return frame;
}

/**
 * Says that a run of deliveries is settled as accepted.
 * @param cameIn whether they came from the other side, rather than went to it
 */
export function writeAccepted(writer: AmqpWriter, channel: number, cameIn: boolean, first: number, last: number): void {
  const frame = writer.openFrame(channel);
  const list = writer.open(DISPOSITION, 'list');
  writer.byte(cameIn ? TRUE : FALSE);
  writer.uint(first);
  writer.uint(last);
  writer.byte(TRUE);
  const state = writer.open(ACCEPTED, 'list');
  writer.close(state, 0);
  writer.close(list, 5);
  writer.closeFrame(frame);
}
