import type { HistoryEvent } from '../../src/engine/history';
import { decodeTurn, encodeTurn } from '../../src/engine/history-codec';

const failure = { reason: 'a "reason"', details: '{"x":1}' };
const typed = { errorType: 'E', errorMessage: 'm', isNonRetriable: true, properties: { code: 7 } };

const events: readonly HistoryEvent[] = [
  { kind: 'executionStarted' },
  { kind: 'activityScheduled', id: 0, name: 'with "quotes" ü', input: '{"a":[1,"\\u0000"]}' },
  { kind: 'activityScheduled', id: 1, name: 'n', input: 'null', retry: { firstAt: 5 } },
  { kind: 'activityCompleted', id: 0, result: '"text"' },
  { kind: 'activityFailed', id: 1, failure },
  { kind: 'activityFailed', id: 1, failure: { ...failure, typed } },
  { kind: 'timerCreated', id: 2, fireAt: 1_767_225_600_123, retry: { firstAt: 5 } },
  { kind: 'timerFired', id: 2 },
  { kind: 'timerFired', id: 2, final: true },
  { kind: 'timerCancelled', id: 3 },
  { kind: 'childCreated', id: 4, name: 'c', instanceId: 'x:4', version: '2', input: '[1,2]' },
  { kind: 'childCompleted', id: 4, result: '{"deep":{"er":[null,true]}}' },
  { kind: 'childFailed', id: 4, failure },
  { kind: 'eventRaised', name: 'approval', input: '"yes"', at: 12 },
  { kind: 'suspended', reason: 'r' },
  { kind: 'resumed', reason: '' },
  { kind: 'terminated', reason: 't' },
  { kind: 'completed' },
  { kind: 'failed' },
];

describe('the stored form of a turn', () => {
  it('gives back every kind of event', () => {
    expect(decodeTurn(3, encodeTurn(77, events))).toEqual({ turn: 3, at: 77, events });
  });

  it('is JSON with payloads set in as values, not quoted again', () => {
    const stored = JSON.parse(encodeTurn(1, [{ kind: 'activityCompleted', id: 0, result: '{"a":1}' }])) as unknown;
    expect(stored).toEqual({ v: 1, at: 1, events: [{ kind: 'activityCompleted', id: 0, result: { a: 1 } }] });
  });

  it.each([
    ['{"v":2,"at":1,"events":[]}', 'Turn 4 has history format 2; this host reads format 1.'],
    ['{"at":1,"events":[]}', 'Turn 4 has history format undefined; this host reads format 1.'],
    ['{"v":1,"at":1,"events":[', /^Turn 4 can't be read: /],
    ['{"v":1,"at":"1","events":[]}', "Turn 4 can't be read: expected a time and a list of events."],
  ])('is refused when damaged or of another format: %s', (text, message) => {
    expect(() => decodeTurn(4, text)).toThrow(message);
  });
});
