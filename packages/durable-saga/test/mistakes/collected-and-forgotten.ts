import { z } from 'zod';
import { activity, many, saga } from '../../src';
import { defineExploration } from '../../src/testing';
import type { Run } from '../../src/testing';

// A long saga posts parcels by twos. What it has collected when its history ends is not in the next history's input.

export const finds = 'every parcel that came is posted';

const parcelSchema = z.object({ weight: z.int() });
const inputSchema = z.object({ histories: z.int(), waiting: z.array(parcelSchema).default([]) });

function createPostRoom() {
  const posted = new Map<string, number>();
  return {
    ports: { post: { send: async (key: string, parcels: number) => void posted.set(key, parcels) } },
    books: () => ({ posted: [...posted.values()].reduce((sum, parcels) => sum + parcels, 0) }),
  };
}

const send = activity({
  name: 'send',
  input: z.object({ parcels: z.array(parcelSchema) }),
  retry: { attempts: 3 },
  run:
    ({ post }: ReturnType<typeof createPostRoom>['ports']) =>
    ({ parcels }, step) =>
      post.send(step.key, parcels.length),
});

const explore = (keep: (waiting: z.infer<typeof parcelSchema>[]) => z.infer<typeof parcelSchema>[], name: string) =>
  defineExploration(
    saga(
      { name: 'postRoom', version: '1', input: inputSchema, events: { parcel: many(parcelSchema) } },
      function* (saga, { histories, waiting }) {
        let batch = waiting;
        for (let round = 0; round < 2; round += 1) {
          const parcel = yield* saga.waitFor('parcel', { timeout: '1 hour' });
          if (parcel !== undefined) batch = [...batch, parcel];
          if (batch.length < 2) continue;
          yield* saga.call(send, { parcels: batch });
          batch = [];
        }
        if (histories > 1) return yield* saga.continueAs({ histories: histories - 1, waiting: keep(batch) });
        if (batch.length > 0) yield* saga.call(send, { parcels: batch });
      },
    ),
    {
      input: { histories: 3, waiting: [] },
      events: [10, 20, 30, 40].map((minutes) => ({
        after: `${minutes} minutes` as const,
        event: 'parcel',
        payload: { weight: minutes },
      })),
      world: createPostRoom,
      activities: [send],
      invariants: {
        [finds]: ({ outcome, events, books }: Run) =>
          outcome !== 'completed' || events.length > 4 || books?.['posted'] === events.length,
      },
      // A cancel leaves unposted what came, as it should.
      faults: ['call', 'platform', 'late', 'twice', 'kill', 'event'],
      module: { file: __filename, name },
    },
  );

export const wrong = explore(() => [], 'wrong');
export const right = explore((batch) => batch, 'right');
