import { drainOutbox } from 'durable-saga/postgres';
import type { Outbox, Publisher, RelayRound } from 'durable-saga/postgres';
import type { Database } from './postgres-database';

/** Brings what is in the outbox to the broker. */
export interface OutboxRelay {
  /** Publishes all that is due. Throws when the outbox can't be read. */
  relay(): Promise<RelayRound>;
  /** Does so soon, behind the caller's back; what goes wrong is logged, and the next relay tries again. */
  soon(): void;
  /** Resolves when nothing of that is under way. */
  idle(): Promise<void>;
}

export interface OutboxRelayOptions {
  readonly outbox: Outbox;
  readonly publisher: Publisher;
  readonly database: Database;
  readonly warn: (message: string) => void;
}

export function createOutboxRelay({ outbox, publisher, database, warn }: OutboxRelayOptions): OutboxRelay {
  let wanted = false;
  let running: Promise<void> | undefined;

  async function relay(): Promise<RelayRound> {
    const failures: string[] = [];
    const round = await drainOutbox({
      outbox,
      publisher: telling(publisher, (failure) => failures.push(failure)),
      transaction: (work) => database.transaction(work),
      within: LONGEST_ROUND,
    });
    if (round.failed > 0) {
      warn(`${round.failed} messages of the outbox could not be published and are tried again later: ${failures[0]}`);
    }
    if (round.dead > 0) {
      warn(`${round.dead} messages of the outbox are given up and stay there: ${failures.at(-1)}`);
    }
    return round;
  }

  /** Whoever asks while it runs is served by another round. */
  async function runWhileWanted(): Promise<void> {
    while (wanted) {
      wanted = false;
      try {
        await relay();
      } catch (error) {
        warn(`the outbox can't be read at the moment: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    running = undefined;
  }

  return {
    relay,
    soon() {
      wanted = true;
      running ??= runWhileWanted();
    },
    idle: async () => running,
  };
}

/** Milliseconds after which a round publishes nothing more: its transaction is open meanwhile. */
const LONGEST_ROUND = 5_000;

function telling(publisher: Publisher, tell: (failure: string) => void): Publisher {
  return {
    async publish(messages) {
      const results = await publisher.publish(messages);
      for (const [index, result] of results.entries()) {
        if (!result.ok) tell(`${messages[index]?.id}: ${result.error}`);
      }
      return results;
    },
  };
}
