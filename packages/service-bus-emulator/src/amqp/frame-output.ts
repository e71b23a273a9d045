import type { Duplex } from 'node:stream';
import { AmqpWriter } from '../message/encode';

/** Where a turn's frames are gathered at first; it grows. */
const FIRST_BYTES = 2_048;

/**
 * Once so much is gathered it goes out, though more is to come. Parts of less than a turn's do not pay: the other side
 * begins sooner, but both of them read and write more often.
 */
const ENOUGH_BYTES = 65_536;

/** What goes out over one connection: frames of one turn in one write, or few. */
export class FrameOutput {
  readonly #socket: Duplex;
  #writer: AmqpWriter | undefined;

  constructor(socket: Duplex) {
    this.#socket = socket;
  }

  /** Where the next frame goes. */
  get writer(): AmqpWriter {
    return (this.#writer ??= new AmqpWriter(FIRST_BYTES));
  }

  /** To be called behind each frame. */
  written(): void {
    if (this.writer.length >= ENOUGH_BYTES) this.flush();
  }

  /** Sends what is gathered. Whoever lets rhea write a frame calls it before. */
  flush(): void {
    const writer = this.#writer;
    if (writer === undefined) return;
    this.#writer = undefined;
    if (this.#socket.writable) this.#socket.write(writer.take());
  }
}
