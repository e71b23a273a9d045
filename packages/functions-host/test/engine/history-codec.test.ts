import type { HistoryEvent } from '../../src/engine/history';
import { decodeTurn, encodeTurn } from '../../src/engine/history-codec';

const failure = { reason: 'a "reason"', details: '{"x":1}' };
const typed = { errorType: 'E', errorMessage: 'm', isNonRetriable: true, properties: { code: 7 } };

const events: readonly HistoryEvent[] = [
  { kind: 'executionStarted' },
  { kind: 'activityScheduled', id: 0, name: 'with "quotes" ü', input: '{"a":[1,"\\u0000"]}' },
  { kind: 'activityScheduled', id: 1, name: 'n', input: 'null', retry: { firstAt: 5 } },
  { kind: 'activityScheduled', id: 6, name: 'n', input: '[]', after: 5 },
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
  { kind: 'rewound', reason: 'again', turn: 2, event: 1, renewed: [1], at: 78 },
  { kind: 'entityCalled', id: 7, entityId: '@e@"k"', operation: 'add', input: '{"a":1}' },
  { kind: 'entityAnswered', id: 7, result: '"text"', isError: true },
  { kind: 'entityAnswered', id: 7 },
  { kind: 'entitySignalled', id: 8, entityId: '@e@k', operation: 'add' },
  { kind: 'entitiesLocked', id: 9, entityIds: ['@e@k', '@e@l'] },
  { kind: 'lockGranted', id: 9 },
  { kind: 'entitiesReleased', id: 10, lockId: 9, count: 2 },
  { kind: 'lockRegained', lockId: 9 },
];

const stored = encodeTurn({ turn: 4, at: 5, events: [{ kind: 'eventRaised', name: 'go', input: '"yes"', at: 12 }] });

describe('the stored form of a turn', () => {
  it('gives back every kind of event', () => {
    expect(decodeTurn(3, encodeTurn({ turn: 3, at: 77, events }))).toEqual({ turn: 3, at: 77, events });
  });

  it('is JSON with payloads set in as values, not quoted again', () => {
    const turn = { turn: 0, at: 1, events: [{ kind: 'activityCompleted', id: 0, result: '{"a":1}' } as const] };
    const read = JSON.parse(encodeTurn(turn)) as unknown;
    expect(read).toMatchObject({ v: 2, at: 1, events: [{ kind: 'activityCompleted', id: 0, result: { a: 1 } }] });
  });

  it('is read as the first version of this host wrote it, without a checksum', () => {
    const text =
      '{"v":1,"at":1767225600000,"events":[{"kind":"executionStarted"},{"kind":"activityScheduled","id":0,"name":"a","input":{"x":1}}]}';
    expect(decodeTurn(0, text)).toEqual({
      turn: 0,
      at: 1_767_225_600_000,
      events: [{ kind: 'executionStarted' }, { kind: 'activityScheduled', id: 0, name: 'a', input: '{"x":1}' }],
    });
  });

  it.each([
    ['{"v":3,"at":1,"events":[]}', 'Turn 4 has history format 3; this host reads formats up to 2.'],
    ['{"at":1,"events":[]}', 'Turn 4 has history format undefined; this host reads formats up to 2.'],
    ['{"v":1,"at":1,"events":[', /^Turn 4 can't be read: /],
    ['{"v":1,"at":"1","events":[]}', "Turn 4 can't be read: expected a time and a list of events."],
    [
      '{"v":1,"at":1,"events":[{"kind":"later"}]}',
      `Turn 4 has an event of kind "later", which this host doesn't know.`,
    ],
    [stored.replace('"yes"', '"yet"'), /^Turn 4 is damaged: its text has checksum \d+, and \d+ was stored with it\.$/],
    [stored.replace(/"crc":\d+,/, ''), /^Turn 4 is damaged: .* undefined was stored with it\.$/],
    [encodeTurn({ turn: 5, at: 5, events: [] }), /^Turn 4 is damaged: /],
  ])('is refused when damaged or of another format: %s', (text, message) => {
    expect(() => decodeTurn(4, text)).toThrow(message);
  });
});
