import path from 'node:path';
import { replayHistory } from 'durable-saga/testing';
import { asTheRealHostShows } from '../../packages/durable-saga/test/support/real-host-history';
import { saga } from 'durable-saga';
import { activities, sagas } from '../../src/sagas';
import { placeOrder } from '../../orchestrations/place-order';
import { requestApproval } from '../../activities/request-approval';
import { createReplayer, readHistories, recordHistories } from './recorded-histories';

/** `npm run histories:record` writes them. */
const recordings = readHistories(path.resolve(__dirname, '../histories'));

describe('the recorded histories', () => {
  const replay = createReplayer();

  it.each(recordings.map(({ file, history }) => [file, history] as const))(
    '%s goes on with today’s code',
    (_, history) => {
      expect(replay(history)).toEqual({ verdict: 'same', saga: history.name, instance: history.instanceId });
    },
  );

  it.each(recordings.map(({ file, history }) => [file, history] as const))(
    '%s goes on with it, too, as the real host would show it',
    (_, history) => {
      const shown = asTheRealHostShows(history);
      expect(replay(shown)).toEqual({ verdict: 'same', saga: history.name, instance: history.instanceId });
    },
  );

  it('are of every way of every saga, in its version of today (else: npm run histories:record)', async () => {
    const files = recordings.map(({ file }) => file);
    expect(files).toEqual(expect.arrayContaining((await recordHistories()).map(({ file }) => file)));
  });

  it('are recorded the same each time', async () => {
    expect(JSON.stringify(await recordHistories())).toBe(JSON.stringify(await recordHistories()));
  });

  it('show it where a saga has changed and kept its version', () => {
    const { history } = recordings.find(({ file }) => file === 'placeOrder/1/approved-in-time.json')!;
    const changed = saga(
      { name: placeOrder.name, version: placeOrder.version, input: placeOrder.input },
      function* (context) {
        yield* context.call(requestApproval, { orderId: 'o1' });
      },
    );
    const build = { sagas: [changed, ...sagas.filter(({ name }) => name !== changed.name)], activities };
    for (const shown of [history, asTheRealHostShows(history)]) {
      expect(replayHistory(shown, build)).toMatchObject({
        verdict: 'differs',
        saga: 'placeOrder',
        version: '1',
        step: 'reserveStock',
        history: 'reserveStock#tea',
        code: 'requestApproval#1',
      });
    }
  });
});
