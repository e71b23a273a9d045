import { createVirtualClock } from '../../../src/clock-virtual';
import { QueueState } from '../../../src/testing/memory-storage/queue-state';

const start = Date.UTC(2026, 0, 1);
const minute = 60_000;

function createQueues() {
  const clock = createVirtualClock(start);
  const rings: string[] = [];
  const state = new QueueState({
    clock,
    onVisible: (name) => rings.push(`${name} ${(clock.now() - start) / minute}`),
  });
  state.create('q');
  const texts = (messages: readonly { text: string }[]): string[] => messages.map(({ text }) => text);
  return { clock, state, rings, texts };
}

describe('queues in memory', () => {
  it('say when a message can be fetched: at once, when its time has come, and when it is shown again', async () => {
    const { clock, state, rings } = createQueues();
    state.send('q', 'now', 0, Infinity);
    state.send('q', 'later', 30 * minute, Infinity);
    expect(rings).toEqual(['q 0']);
    const [message] = state.receive('q', 1, 10 * minute);
    await clock.advance(20 * minute);
    expect(rings).toEqual(['q 0', 'q 10']);
    const [again] = state.receive('q', 1, 10 * minute);
    expect(again).toMatchObject({ text: 'now', id: message?.id, dequeueCount: 2 });
    state.update('q', again ?? { id: '', popReceipt: '' }, { hiddenMs: 0 });
    expect(rings.at(-1)).toBe('q 20');
    await clock.advance(60 * minute);
    expect(rings).toEqual(['q 0', 'q 10', 'q 20', 'q 30']);
  });

  it('say nothing of messages that were removed, or whose time is over before they can be seen', async () => {
    const { clock, state, rings } = createQueues();
    const gone = state.send('q', 'gone', 5 * minute, Infinity);
    state.remove('q', gone);
    const held = state.send('q', 'short', 0, 5 * minute);
    state.receive('q', 1, 10 * minute);
    rings.length = 0;
    expect(clock.waiting()).toEqual([]);
    await clock.advance(4 * minute);
    expect(state.messages('q').map(({ id }) => id)).toEqual([held.id]);
    await clock.advance(1 * minute);
    expect(state.messages('q')).toEqual([]);
    await clock.advance(60 * minute);
    expect(rings).toEqual([]);
  });

  it('name on the clock what is hidden, and take it off with the queue', () => {
    const { clock, state } = createQueues();
    state.send('q', 'b', 2 * minute, Infinity);
    state.send('q', 'a', 1 * minute, Infinity);
    const about = { kind: 'message', what: "message of queue 'q'" };
    expect(clock.waiting()).toMatchObject([
      { at: start + minute, about },
      { at: start + 2 * minute, about },
    ]);
    state.clear('q');
    expect(clock.waiting()).toEqual([]);
    state.send('q', 'c', minute, Infinity);
    state.close();
    expect(clock.waiting()).toEqual([]);
  });

  it('give out messages in the order in which they could be fetched, each to one at a time', async () => {
    const { clock, state, texts } = createQueues();
    state.send('q', 'second', minute, Infinity);
    state.send('q', 'first', 0, Infinity);
    state.send('q', 'third', minute, Infinity);
    await clock.advance(minute);
    expect(texts(state.peek('q', 32))).toEqual(['first', 'second', 'third']);
    expect(texts(state.receive('q', 2, minute))).toEqual(['first', 'second']);
    expect(texts(state.receive('q', 2, minute))).toEqual(['third']);
    expect(state.receive('q', 2, minute)).toEqual([]);
  });

  it('give nobody a message to change who was overtaken', async () => {
    const { clock, state } = createQueues();
    state.send('q', 'a', 0, Infinity);
    const [early] = state.receive('q', 1, minute);
    await clock.advance(minute);
    const [late] = state.receive('q', 1, minute);
    if (early === undefined || late === undefined) throw new Error('nothing received');
    expect(() => {
      state.remove('q', early);
    }).toThrow('did not match');
    state.remove('q', late);
    expect(() => state.update('q', late, { hiddenMs: 0 })).toThrow('does not exist');
    expect(() => state.peek('other', 1)).toThrow('queue does not exist');
  });
});
