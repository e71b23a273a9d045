import type { EventSchemas, Saga } from 'durable-saga';
import { exploreSaga, sumUp } from 'durable-saga/testing';
import type { Exploration, ExplorationSetup } from 'durable-saga/testing';

/*
 * The app's sagas over their real activities, with the business in memory: every single thing that can go wrong on every
 * way through them, and pairs of such things up to a budget. What must hold is said in the business's words.
 */

/** Milliseconds; for a machine that is busy otherwise. */
const LONGEST = 300_000;

/** More pairs, and others, for a long run: `EXPLORE_PAIRS` and `EXPLORE_SEED`. */
const wider = {
  ...(process.env['EXPLORE_PAIRS'] && { budget: { pairs: Number(process.env['EXPLORE_PAIRS']) } }),
  ...(process.env['EXPLORE_SEED'] && { seed: Number(process.env['EXPLORE_SEED']) }),
};

/** Declares a test for each way through a saga, and prints what was explored in a line. */
export function testExplorations<Ports, Input, Result, Events extends EventSchemas>(
  name: string,
  explorations: readonly {
    readonly title: string;
    readonly saga: Saga<Input, Result, Events>;
    readonly setup: ExplorationSetup<Ports, Input>;
  }[],
): void {
  describe(name, () => {
    const explored: Exploration[] = [];

    it.each(explorations)(
      'keeps its promises whatever goes wrong: $title',
      async ({ saga, setup }) => {
        const exploration = await exploreSaga(saga, { ...setup, ...wider });
        explored.push(exploration);
        expect(exploration.violations).toBe(0);
        expect(exploration.singles).toBeGreaterThan(50);
      },
      wider.budget === undefined ? LONGEST : 12 * LONGEST,
    );

    afterAll(() => void process.stdout.write(`${sumUp(name, explored)}\n`));
  });
}
