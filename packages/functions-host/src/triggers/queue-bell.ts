/**
 * Tells queue triggers of messages that this very host has sent, so that they need not wait for their next look. What
 * others send, or what is missed here, the next look finds.
 */
export interface QueueBell {
  readonly ring: (connection: string, queueName: string) => void;
  onRing(connection: string, queueName: string, wake: () => void): void;
}

/** A bell that nobody listens to yet. */
export function createQueueBell(): QueueBell {
  const wakers = new Map<string, (() => void)[]>();
  const toKey = (connection: string, queueName: string): string => `${connection}/${queueName}`;
  return {
    ring: (connection, queueName) => {
      for (const wake of wakers.get(toKey(connection, queueName)) ?? []) wake();
    },
    onRing: (connection, queueName, wake) => {
      const key = toKey(connection, queueName);
      wakers.set(key, [...(wakers.get(key) ?? []), wake]);
    },
  };
}
