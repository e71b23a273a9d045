import type { FrameOutput } from './frame-output';
import { writeAccepted } from './frames';

/** Deliveries of one session and direction that were accepted and are still to be told so: a run of numbers, in one frame. */
export class AcceptedRun {
  readonly #output: FrameOutput;
  readonly #channel: number;
  readonly #cameIn: boolean;
  #first = 0;
  /** Below `first` when there is nothing to tell. */
  #last = -1;

  /** @param cameIn whether they came from the other side, rather than went to it */
  constructor(output: FrameOutput, channel: number, cameIn: boolean) {
    this.#output = output;
    this.#channel = channel;
    this.#cameIn = cameIn;
  }

  add(id: number): void {
    if (id !== this.#last + 1) this.tell();
    if (this.#last < this.#first) this.#first = id;
    this.#last = id;
  }

  tell(): void {
    if (this.#last < this.#first) return;
    writeAccepted(this.#output.writer, this.#channel, this.#cameIn, this.#first, this.#last);
    this.#output.written();
    this.#first = this.#last + 1;
  }
}
