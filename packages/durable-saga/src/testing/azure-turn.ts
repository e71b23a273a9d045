import type { Replayed } from './azure-replay';
import { replayOnAzure } from './azure-replay';
import type { Task } from './history';
import { describeTask } from './history';
import type { SimulatedInstance } from './simulated-instance';
import type { TurnEnd } from './turns';

/** What the Azure host makes of a turn's answer, which must be what the library asked for. */
export function replayTurnOnAzure(instance: SimulatedInstance, { asked, answer }: TurnEnd, now: number): Replayed {
  const replayed = replayOnAzure(instance.history, answer ?? { isDone: false, actions: [[]] });
  for (const task of asked) {
    if (instance.cancelledTimers.has(task.id)) continue;
    const found = replayed.tasks.get(task.id);
    if (found === undefined) {
      throw new Error(`the Azure host has not come to ${describeTask(task)}: it waits at an earlier action`);
    }
    if (describeTask(found) !== describeTask(task) && !areBothDue(found, task, now)) {
      throw new Error(`the library asked for ${describeTask(task)}, the Azure host schedules ${describeTask(found)}`);
    }
  }
  return replayed;
}

/** Timers that are due at once fire at once, whatever time they say. */
function areBothDue(a: Task, b: Task, now: number): boolean {
  return a.kind === 'timer' && b.kind === 'timer' && a.fireAt <= now && b.fireAt <= now;
}
