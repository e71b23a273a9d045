import type { Readable } from 'node:stream';
import type { CrashReport } from './crash-run';

/** Without any progress for so long, in milliseconds, something is broken. */
const PATIENCE = 60_000;

/** What consumers said of the messages that they received, in the order in which they said it. */
export class Ledger {
  readonly #begun = new Set<string>();
  readonly #done = new Set<string>();
  readonly #cameBack: string[] = [];
  readonly #completedTwice: string[] = [];
  readonly #waiting = new Set<() => void>();

  get completed(): number {
    return this.#done.size;
  }

  /** Reads `begin <id>` and `done <id>` of a consumer's output; half a line of one that was killed counts for nothing. */
  read(output: Readable): void {
    let rest = '';
    output.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.#note(line);
      for (const look of this.#waiting) look();
    });
  }

  /** Waits until so many messages are completed for certain. */
  reaches(count: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        this.#waiting.delete(look);
        reject(new Error(`No message was completed for ${PATIENCE} ms; ${this.completed} are, expected ${count}.`));
      };
      let timer = setTimeout(giveUp, PATIENCE);
      const look = (): void => {
        clearTimeout(timer);
        if (this.completed < count) timer = setTimeout(giveUp, PATIENCE);
        else if (this.#waiting.delete(look)) resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }

  report(messages: number): Pick<CrashReport, 'completed' | 'unsure' | 'lost' | 'cameBack' | 'completedTwice'> {
    const sent = Array.from({ length: messages }, (_, index) => `m-${index}`);
    return {
      completed: this.#done.size,
      unsure: this.#begun.size - this.#done.size,
      lost: sent.filter((id) => !this.#begun.has(id)),
      cameBack: this.#cameBack,
      completedTwice: this.#completedTwice,
    };
  }

  #note(line: string): void {
    const [what, id = ''] = line.split(' ');
    if (what === 'begin') {
      if (this.#done.has(id)) this.#cameBack.push(id);
      this.#begun.add(id);
    } else if (what === 'done') {
      if (this.#done.has(id)) this.#completedTwice.push(id);
      this.#done.add(id);
    } else throw new Error(`Expected 'begin <id>' or 'done <id>', got '${line}'.`);
  }
}
