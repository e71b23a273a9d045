import type { Clock } from '../../src/clock';

/** A clock that moves only when told to; what falls due on the way is called in order, at its time. */
export class FakeClock implements Clock {
  #now = Date.UTC(2026, 0, 1);
  #entries: { readonly at: number; readonly callback: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  schedule(at: number, callback: () => void): { cancel(): void } {
    const entry = { at, callback };
    this.#entries.push(entry);
    return {
      cancel: () => {
        this.#entries = this.#entries.filter((other) => other !== entry);
      },
    };
  }

  get waiting(): number {
    return this.#entries.length;
  }

  advance(milliseconds: number): void {
    const target = this.#now + milliseconds;
    for (;;) {
      const [due] = this.#entries.filter(({ at }) => at <= target).sort((a, b) => a.at - b.at);
      if (due === undefined) break;
      this.#entries = this.#entries.filter((other) => other !== due);
      this.#now = Math.max(this.#now, due.at);
      due.callback();
    }
    this.#now = target;
  }
}
