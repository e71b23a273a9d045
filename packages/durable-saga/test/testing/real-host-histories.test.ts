import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { OrchestrationHandler } from 'durable-functions';
import { replayHistory } from '../../src/testing';
import type { InstanceWithHistory, ReplayVerdict } from '../../src/testing';

/** Histories that the Azure host has answered with, against orchestrators like those that it ran. */

const folder = path.resolve(__dirname, '../../../../../shared/reference/functions-host');
const describeIfThere = existsSync(folder) ? describe : describe.skip;

function recorded(name: string): InstanceWithHistory {
  const text = readFileSync(path.join(folder, `${name}.txt`), 'utf8');
  return JSON.parse(text.slice(text.indexOf('\n{'))) as InstanceWithHistory;
}

const fullAfter = (seconds: number): OrchestrationHandler =>
  function* ({ df }) {
    for (const n of [1, 2, 3]) yield df.callActivity('hop', n);
    yield df.createTimer(new Date(df.currentUtcDateTime.getTime() + seconds * 1_000));
    yield df.waitForExternalEvent('Approval');
  };

const orchestrators: Record<string, OrchestrationHandler> = {
  full: fullAfter(1),
  fan: function* ({ df }) {
    yield df.Task.all([0, 1, 2, 3, 4].map((n) => df.callActivity('hop', n)));
  },
  parent: function* ({ df }) {
    yield df.callSubOrchestrator('simple3', { n: 1 });
  },
  failing: function* ({ df }) {
    yield df.callActivity('hop', 'x');
    yield df.callActivity('fail', 'x');
  },
  callsEntity: function* ({ df }) {
    yield df.callActivity('hop', 'x');
  },
  rewindable: function* ({ df }) {
    yield df.callActivity('hop', 'x');
  },
};

function replay(name: string, changed: Record<string, OrchestrationHandler> = {}): ReplayVerdict {
  const code = { sagas: [], activities: [], orchestrators: { ...orchestrators, ...changed } };
  return replayHistory(recorded(name), code);
}

describeIfThere('a history of the Azure host', () => {
  it.each([
    'durable-06-status-running-history-output',
    'durable-20-status-completed-history-output',
    'durable-79-fan-history',
    'durable-79-parent-history',
    'durable-51-status-failed-history',
  ])('%s is the same for the code that made it', (name) => {
    expect(replay(name)).toMatchObject({ verdict: 'same' });
  });

  it('differs where the code has changed', () => {
    const reversed: OrchestrationHandler = function* ({ df }) {
      yield df.callActivity('hop', 'a');
      yield df.waitForExternalEvent('Approval');
    };
    expect(replay('durable-20-status-completed-history-output', { full: reversed })).toMatchObject({
      verdict: 'differs',
      step: 'hop',
      history: 'hop',
      code: "waits for 'Approval'",
    });
    expect(replay('durable-20-status-completed-history-output', { full: fullAfter(60) })).toMatchObject({
      verdict: 'differs',
      history: 'a timer until 2026-11-21T08:31:14.551Z',
    });
    const six: OrchestrationHandler = function* ({ df }) {
      yield df.Task.all([0, 1, 2].map((n) => df.callActivity('hop', n)));
    };
    expect(replay('durable-79-fan-history', { fan: six })).toMatchObject({ verdict: 'differs', code: 'ends' });
  });

  it.each([
    ['durable-19-status-completed-history', 'without results'],
    ['durable-58-callsEntity-history', 'entities'],
    ['durable-57-rewindable-completed-history', 'rewound'],
  ])('%s can not be verified, and it says why', (name, why) => {
    expect(replay(name)).toMatchObject({ verdict: 'unverifiable', why: expect.stringContaining(why) });
  });
});
