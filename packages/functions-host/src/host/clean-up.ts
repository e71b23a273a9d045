/** What has to be undone when the host stops, or when its start fails halfway; undone in reverse order. */
export interface CleanUp {
  add(undo: () => void | Promise<void>): void;
  /** Undoes everything once; an undo that fails doesn't keep the others from running. Errors go to `onError`. */
  run(onError: (error: unknown) => void): Promise<void>;
}

export function createCleanUp(): CleanUp {
  const undos: (() => void | Promise<void>)[] = [];
  return {
    add(undo) {
      undos.push(undo);
    },
    async run(onError) {
      for (let undo = undos.pop(); undo !== undefined; undo = undos.pop()) {
        try {
          await undo();
        } catch (error) {
          onError(error);
        }
      }
    },
  };
}
