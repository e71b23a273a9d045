import { describeFault, FAULT_KINDS } from '../../src/testing';
import type { Fault } from '../../src/testing';

const examples: Readonly<Record<Fault['kind'], readonly (readonly [Fault, string])[]>> = {
  call: [
    [{ kind: 'call', step: 'charge#1', call: 2, when: 'after' }, 'charge#1, attempt 1: call 2 fails after its effect'],
    [
      {
        kind: 'call',
        step: 'hold#1',
        undo: true,
        call: 1,
        when: 'before',
        times: 'always',
        as: 'broken',
        then: 'skip',
      },
      'undo of hold#1, attempts from 1 on: call 1 fails for good before its effect; parked, an operator says skip',
    ],
  ],
  platform: [
    [{ kind: 'platform', step: 'charge#1', when: 'after', times: 3 }, 'charge#1, attempts 1 to 3: its reply is lost'],
  ],
  late: [[{ kind: 'late', step: 'ship#1', what: 'effect', by: 90_000 }, 'ship#1, attempt 1: runs late by 90000 ms']],
  twice: [[{ kind: 'twice', step: 'ship#1', how: 'together' }, 'ship#1, attempt 1: delivered twice, at the same time']],
  kill: [[{ kind: 'kill', turn: 3, when: 'before' }, 'the host is killed before the commit of turn 3']],
  event: [[{ kind: 'event', event: 'approval', how: 'missing' }, "event 'approval': never comes"]],
  cancel: [[{ kind: 'cancel', wait: 2, how: 'behind' }, 'a cancel comes at wait 2, behind what was waited for']],
};

describe('a fault', () => {
  it('is of one of the kinds that are listed', () => {
    expect(new Set(FAULT_KINDS)).toEqual(new Set(Object.keys(examples)));
  });

  it.each(Object.values(examples).flat())('is plain data that says what it does: %j', (fault, text) => {
    expect(describeFault(JSON.parse(JSON.stringify(fault)) as Fault)).toBe(text);
  });
});
