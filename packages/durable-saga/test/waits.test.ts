import { toOrchestrator } from '../src/host/durable-functions';
import type { Durable, Handle } from '../src/host/durable-port';
import { createExecutor } from '../src/host/library-executor';
import type { Fiber } from '../src/runner/fiber';
import { parallel } from '../src/runner/fiber';

describe('waits, as the library is told of them', () => {
  const ANY = 11;
  const ALL = 12;
  const AT = Date.UTC(2026, 0, 1);

  interface Listed {
    readonly actionType: number;
    readonly functionName?: string;
    readonly compoundActions?: readonly Listed[];
  }

  function begin(main: (durable: Durable) => Fiber<unknown>) {
    const { executor } = createExecutor(toOrchestrator(main), { instanceId: 'a', input: null, startedAt: AT }, {});
    const complete = (id: number): void =>
      executor.processEvent({
        EventType: 5,
        EventId: -1,
        IsPlayed: true,
        TaskScheduledId: id,
        Result: `"result ${id}"`,
      });
    executor.processEvent({ EventType: 0, Timestamp: new Date(AT) });
    const listed = (): unknown[] => (executor.actions as readonly Listed[]).map(show);
    return { executor, complete, listed };
  }

  function show({ actionType, functionName, compoundActions }: Listed): unknown {
    if (actionType === ALL && compoundActions?.length === 0) return 'nothing';
    return actionType === ANY ? compoundActions?.map(show) : functionName;
  }

  function* awaitEach(handles: readonly Handle[], seen: (handle: Handle) => void): Fiber<void> {
    for (const handle of handles) {
      while (!handle.done) yield [handle];
      seen(handle);
    }
  }

  it('list and number a handle once that is named twice', () => {
    const { executor, complete, listed } = begin(function* (durable) {
      const [one, other] = [durable.callActivity('one', 1), durable.callActivity('other', 2)];
      while (!one.done) yield [one, other, one];
      return [one.outcome(), other.done];
    });
    expect(listed()).toEqual([['one', 'other']]);
    expect(Object.keys(executor.openTasks)).toEqual(['0', '1']);
    complete(0);
    expect(executor.output).toEqual([{ ok: true, value: 'result 0' }, false]);
  });

  it('are not ended by what is not waited for any more', () => {
    let resumed = 0;
    const { executor, complete } = begin(function* (durable) {
      const [won, lost] = [durable.callActivity('won', 1), durable.callActivity('lost', 2)];
      while (!won.done) yield [won, lost];
      const [next, other] = [durable.callActivity('next', 3), durable.callActivity('other', 4)];
      for (; !next.done; resumed += 1) yield [next, other];
      return lost.done;
    });
    complete(0);
    complete(1);
    expect(resumed).toBe(0);
    complete(2);
    expect([resumed, executor.output]).toEqual([1, true]);
  });

  it('show a host, from an event up to what was yielded, whether the code waits for it', () => {
    const { executor, complete } = begin(function* (durable) {
      const [event, work, more] = [
        durable.event('go'),
        durable.callActivity('work', 1),
        durable.callActivity('more', 2),
      ];
      while (!work.done) yield [event, work];
      while (!more.done) yield [more];
      while (!event.done) yield [event];
      return event.value();
    });
    const isWaitedFor = (): boolean => {
      interface Shown {
        readonly state: number;
        readonly parent?: Shown;
      }
      const { openEvents, currentTask } = executor as unknown as {
        readonly openEvents: Readonly<Record<string, readonly Shown[]>>;
        readonly currentTask: Shown;
      };
      let task = openEvents['go']?.at(-1);
      while (task?.state === 0 && task !== currentTask) task = task.parent;
      return task === currentTask;
    };
    const seen = [isWaitedFor()];
    complete(0);
    seen.push(isWaitedFor());
    complete(1);
    expect([...seen, isWaitedFor()]).toEqual([true, false, true]);
    executor.processEvent({ EventType: 15, EventId: -1, IsPlayed: true, Name: 'go', Input: '"gone"' });
    expect(executor.output).toBe('gone');
  });

  it('list of a group what is new in it, in the order in which its members ask for it', () => {
    const { executor, complete, listed } = begin(function* (durable) {
      const order: string[] = [];
      const member = (name: string) => () =>
        awaitEach([durable.callActivity(name, 1), durable.callActivity(`${name} again`, 2)], () => order.push(name));
      yield* parallel(['a', 'b', 'c', 'd'].map(member), { limit: 3, mayStart: () => true });
      return order;
    });
    for (const id of [1, 3, 0, 2, 5, 4, 6, 7]) complete(id);
    expect(listed()).toEqual([
      ['a', 'b', 'c'],
      ['b again', 'nothing'],
      ['d', 'nothing'],
      ['a again', 'nothing'],
      ['c again', 'nothing'],
      ['d again', 'nothing'],
    ]);
    expect(executor.output).toEqual(['b', 'b', 'a', 'c', 'a', 'd', 'c', 'd']);
  });

  it('go on by what is completed in a group within a group', () => {
    let looks = 0;
    const { executor, complete, listed } = begin(function* (durable) {
      const given: string[] = [];
      const leaves = durable.callActivity('left', 0);
      function* once(handle: Handle): Fiber<void> {
        yield [handle, leaves];
        while (!handle.done) {
          looks += 1;
          yield [handle];
        }
      }
      const inner = (names: readonly string[]) => () =>
        parallel(
          names.map((name) => () => once(durable.callActivity(name, 1))),
          { limit: 2, mayStart: () => true, onSettled: (index) => given.push(names[index] ?? '') },
        );
      yield* parallel([inner(['a', 'b', 'c']), inner(['d', 'e'])], { limit: 2, mayStart: () => true });
      return given;
    });
    expect(listed()).toEqual([['a', 'left', 'b', 'd', 'e']]);
    complete(1);
    expect(looks).toBe(4);
    for (const id of [4, 0, 2, 3]) complete(id);
    // The third of the first group looked once more: what it waits for beside its own was done already.
    expect([executor.output, looks]).toEqual([undefined, 5]);
    complete(5);
    expect(executor.output).toEqual(['e', 'a', 'b', 'd', 'c']);
    expect(looks).toBe(5);
  });

  it('see all that is done where more than one came before it was asked for', () => {
    const { executor, complete } = begin(function* (durable) {
      const first = durable.callActivity('first', 0);
      while (!first.done) yield [first];
      const given: number[] = [];
      const starts = [1, 2, 3].map((n) => () => awaitEach([durable.callActivity(`n${n}`, n)], () => given.push(n)));
      yield* parallel(starts, { limit: 3, mayStart: () => true });
      return given;
    });
    for (const id of [3, 2, 0]) complete(id);
    expect(executor.output).toBeUndefined();
    complete(1);
    expect(executor.output).toEqual([2, 3, 1]);
  });
});
