import type { Handle, Waits } from './durable-port';

/**
 * What the library tells of a task's completion. functions-host follows parents that are running from a wait for an event
 * up to what was yielded: an event is handed over only to what the code waits for.
 */
export interface Parent {
  readonly state: unknown;
  readonly parent?: Parent | undefined;
  handleCompletion(task: unknown, executor: unknown): void;
}

/** What is waited for together at present, if anything is: the task that was yielded for it, and what has ended it. */
export class Gate {
  #waits: Waits | undefined;
  #task: Parent | undefined;
  /** Of several that are waited for the one that was completed. */
  completed: Handle | undefined;

  stand(waits: Waits, task: Parent): void {
    this.#waits = waits;
    this.#task = task;
  }

  /** Stands no more. Gives which of these to look at before the next wait: the others were met before, and are not done. */
  fall(waits: Waits): Iterable<Handle> {
    const { completed } = this;
    const fresh = waits === this.#waits && completed !== undefined ? waits.changes?.joined : undefined;
    this.#waits = this.#task = this.completed = undefined;
    if (fresh === undefined || completed === undefined) return waits;
    return waits.includes(completed) ? [completed, ...fresh] : fresh;
  }

  /** What was yielded for a handle, if it is waited for. */
  taskFor(handle: Handle): Parent | undefined {
    return this.#waits?.includes(handle) === true ? this.#task : undefined;
  }

  /** Hands on that a handle's task is complete, if it is waited for. */
  complete(handle: Handle, task: unknown, executor: unknown): void {
    const yielded = this.taskFor(handle);
    if (yielded === undefined) return;
    if (this.completed === undefined) this.completed = handle;
    // Nobody is resumed for a second one: all have to be looked at.
    else this.#waits = undefined;
    yielded.handleCompletion(task, executor);
  }
}
