import type { StopWatching, StorageNews } from '../../triggers/storage-news';

/** Who waits for news of a queue or a container, by its name. */
export interface Watchers {
  readonly ring: (name: string) => void;
  watch(name: string, wake: () => void): StopWatching;
}

export function createWatchers(): Watchers {
  const wakers = new Map<string, Set<() => void>>();
  return {
    ring: (name) => {
      for (const wake of [...(wakers.get(name) ?? [])]) wake();
    },
    watch(name, wake) {
      const all = wakers.get(name) ?? new Set();
      // A function of its own: the same one may watch twice.
      const own = (): void => {
        wake();
      };
      wakers.set(name, all.add(own));
      return () => {
        all.delete(own);
      };
    },
  };
}

/** @param endpoints addresses of the account's services, without a slash at the end. */
export function toNews(
  endpoints: { readonly blob: string; readonly queue: string },
  queues: Watchers,
  containers: Watchers,
): StorageNews {
  const own = Object.values(endpoints);
  return {
    covers: (connection) => {
      const text = connection.kind === 'connectionString' ? connection.text : connection.url;
      // Settings may be written with or without a slash; another port must not pass for the beginning of this one.
      return own.some((endpoint) => `${text};`.replaceAll('/;', ';').includes(`${endpoint};`));
    },
    watchQueue: (queueName, wake) => queues.watch(queueName, wake),
    watchContainer: (container, wake) => containers.watch(container, wake),
  };
}
