import type { Handle } from '../src/host/durable-port';
import { parallel } from '../src/runner/fiber';
import type { Fiber } from '../src/runner/fiber';

describe('fibers in parallel', () => {
  class Signal implements Handle {
    done = false;
  }

  function* waitFor(signal: Signal, result: string): Fiber<string> {
    while (!signal.done) yield [signal];
    return result;
  }

  function waitsOf(fiber: Fiber<void>): Handle[] {
    const { done, value } = fiber.next();
    return done ? [] : [...value];
  }

  it('start in order up to the limit, and the next when one has settled', () => {
    const signals = [new Signal(), new Signal(), new Signal()];
    const started: number[] = [];
    const settled: string[] = [];
    const all = parallel<string>(
      signals.map((signal, n) => () => {
        started.push(n);
        return waitFor(signal, `result ${n}`);
      }),
      { limit: 2, mayStart: () => true, onSettled: (_n, result) => settled.push(result) },
    );
    expect(waitsOf(all)).toEqual([signals[0], signals[1]]);
    signals[1]!.done = true;
    expect(waitsOf(all)).toEqual([signals[0], signals[2]]);
    expect(started).toEqual([0, 1, 2]);
    signals[0]!.done = true;
    signals[2]!.done = true;
    expect(all.next().done).toBe(true);
    expect(settled).toEqual(['result 1', 'result 0', 'result 2']);
  });

  it('wake all when none may start any more, so that each can see why', () => {
    const signal = new Signal();
    let halted = false;
    function* untilHalted(): Fiber<string> {
      while (!halted) yield [new Signal()];
      return 'halted';
    }
    const settled: string[] = [];
    const all = parallel<string>([() => waitFor(signal, 'first'), untilHalted, untilHalted, untilHalted], {
      limit: 3,
      mayStart: () => !halted,
      onSettled: (_n, result) => {
        settled.push(result);
        halted = true;
      },
    });
    all.next();
    signal.done = true;
    expect(all.next().done).toBe(true);
    expect(settled).toEqual(['first', 'halted', 'halted']);
  });

  it('resume the one member that waits for what was completed, and all who wait for what they share', () => {
    const [first, second, shared] = [new Signal(), new Signal(), new Signal()];
    const resumed: string[] = [];
    function* member(name: string, own: Signal): Fiber<string> {
      while (!own.done && !shared.done) {
        yield [own, shared];
        resumed.push(name);
      }
      return name;
    }
    const settled: string[] = [];
    const all = parallel<string>(
      [() => member('a', first), () => member('b', second), () => member('c', new Signal())],
      { limit: 3, mayStart: () => true, onSettled: (_n, result) => settled.push(result) },
    );
    expect(all.next().value).toHaveLength(4);
    second.done = true;
    expect(all.next(second).value).toHaveLength(3);
    expect([resumed, settled]).toEqual([['b'], ['b']]);
    shared.done = true;
    expect(all.next(shared).done).toBe(true);
    expect(settled).toEqual(['b', 'a', 'c']);
  });
});
