import type { Rule } from '../../src/broker/entities';
import {
  accept,
  content,
  labelOf,
  labelsAt,
  message,
  namespaceBroker,
  propertiesOf,
  receive,
  refusal,
} from '../support/test-broker';

const SECOND = 1000;
const sql = (name: string, expression: string, action?: string): Rule => ({
  name,
  filter: { kind: 'sql', expression },
  ...(action !== undefined && { action }),
});
const at = (name: string) => `t/Subscriptions/${name}`;
const priced = (label: string, price: number) => message(label, { content: content(label, { price }) });

describe('a topic', () => {
  it('gives each message to all subscriptions whose rules take it', () => {
    const { broker } = namespaceBroker({
      topics: [
        {
          name: 't',
          subscriptions: [
            { name: 'all' },
            { name: 'dear', rules: [sql('r', 'price > 10')] },
            { name: 'none', rules: [{ name: 'r', filter: { kind: 'false' } }] },
            { name: 'either', rules: [sql('cheap', 'price < 5'), sql('dear', 'price > 50')] },
            { name: 'labelled', rules: [{ name: 'r', filter: { kind: 'correlation', label: 'a' } }] },
          ],
        },
      ],
    });
    broker.send('t', [priced('a', 1), priced('b', 20), priced('c', 100)]);
    expect(['all', 'dear', 'none', 'either', 'labelled'].map((name) => labelsAt(broker, at(name)))).toEqual([
      ['a', 'b', 'c'],
      ['b', 'c'],
      [],
      ['a', 'c'],
      ['a'],
    ]);
    expect(broker.getTopic('T')).toMatchObject({ subscriptionCount: 5, scheduled: 0 });
    expect(broker.peek('T/subscriptions/DEAR', 0, 1)[0]).toMatchObject({
      sequenceNumber: 1,
      enqueuedSequenceNumber: 2,
    });
  });

  it('makes one copy for all rules without an action, and one for each rule with an action', () => {
    const { broker } = namespaceBroker({
      topics: [
        {
          name: 't',
          subscriptions: [
            {
              name: 's',
              rules: [
                sql('one', '1=1'),
                sql('two', '1=1'),
                sql('set', '1=1', "SET sys.Label = 'changed'; SET note = 'x'"),
              ],
            },
          ],
        },
      ],
    });
    broker.send('t', [priced('a', 1)]);
    const seen = broker.peek(at('s'), 0, 10);
    expect(seen.map((given) => [labelOf(given), propertiesOf(given)])).toEqual([
      ['a', { price: 1 }],
      ['changed', { price: 1, note: 'x' }],
    ]);
  });

  it('lets an action set what the broker itself goes by', () => {
    const { broker } = namespaceBroker({
      topics: [
        {
          name: 't',
          subscriptions: [
            { name: 's', options: { requiresSession: true }, rules: [sql('r', '1=1', "SET sys.SessionId = 'given'")] },
          ],
        },
      ],
    });
    broker.send('t', [message('a')]);
    const got = accept(broker, at('s'), null);
    expect([got.labels, got.receiver.session!.id]).toEqual([['a'], 'given']);
  });

  it('dead-letters what has no session for a subscription that requires one', () => {
    const { broker } = namespaceBroker({
      topics: [{ name: 't', subscriptions: [{ name: 's', options: { requiresSession: true } }, { name: 'other' }] }],
    });
    broker.send('t', [message('a')]);
    const [dead] = broker.peek(`${at('s')}/$DeadLetterQueue`, 0, 1);
    expect(propertiesOf(dead!)).toMatchObject({ DeadLetterReason: 'Session id is null.' });
    expect(labelsAt(broker, at('other'))).toEqual(['a']);
  });

  it('dead-letters a message on which a rule fails, or passes the subscription by', () => {
    const failing = [sql('r', "price + 'x' > 1")];
    const { broker } = namespaceBroker({
      topics: [
        {
          name: 't',
          subscriptions: [
            { name: 'dead', rules: failing },
            { name: 'by', rules: failing, options: { deadLetteringOnFilterEvaluationExceptions: false } },
            { name: 'fine' },
          ],
        },
      ],
    });
    broker.send('t', [priced('a', 1)]);
    expect(broker.getSubscription('t', 'dead')!.counts).toMatchObject({ active: 0, deadLetter: 1 });
    expect(broker.getSubscription('t', 'by')!.counts.total).toBe(0);
    expect(labelsAt(broker, at('fine'))).toEqual(['a']);
  });

  it('delivers what is scheduled when it is due, by the rules of then; it can be cancelled and peeked at', () => {
    const { broker, clock } = namespaceBroker({ topics: [{ name: 't', subscriptions: [{ name: 's' }] }] });
    const numbers = broker.schedule(
      't',
      ['a', 'b'].map((label) => message(label, { scheduledAt: clock.now() + SECOND })),
    );
    expect(broker.getTopic('t')!.scheduled).toBe(2);
    expect(labelsAt(broker, 't')).toEqual(['a', 'b']);
    broker.cancelScheduled('t', [numbers[1]!]);
    broker.createSubscription('t', { name: 'late' });
    clock.advance(SECOND);
    expect([labelsAt(broker, at('s')), labelsAt(broker, at('late')), labelsAt(broker, 't')]).toEqual([
      ['a'],
      ['a'],
      [],
    ]);
  });

  it('caps times to live, its own before the subscription', () => {
    const { broker } = namespaceBroker({
      topics: [
        {
          name: 't',
          options: { defaultTimeToLiveMs: 9 * SECOND },
          subscriptions: [{ name: 'short', options: { defaultTimeToLiveMs: SECOND } }, { name: 'same' }],
        },
      ],
    });
    broker.send('t', [message('a')]);
    expect(['short', 'same'].map((name) => broker.peek(at(name), 0, 1)[0]!.timeToLiveMs)).toEqual([SECOND, 9 * SECOND]);
  });

  it('cannot be received from, nor a subscription be sent to', () => {
    const { broker } = namespaceBroker({ topics: [{ name: 't', subscriptions: [{ name: 's' }] }] });
    expect(refusal(() => receive(broker, 't'))).toBe('invalidOperation');
    expect(refusal(() => broker.send(at('s'), [message('a')]))).toBe('invalidOperation');
  });

  it('takes rules as they are made, changed and removed; without any a subscription takes nothing', () => {
    const { broker } = namespaceBroker({ topics: [{ name: 't', subscriptions: [{ name: 's' }] }] });
    expect(broker.getSubscription('t', 's')!.rules.map(({ name }) => name)).toEqual(['$Default']);
    broker.deleteRule('t', 's', '$default');
    broker.send('t', [priced('a', 1)]);
    broker.createRule('t', 's', sql('r', 'price = 1'));
    broker.send('t', [priced('b', 1)]);
    broker.updateRule('t', 's', sql('R', 'price = 2'));
    broker.send('t', [priced('c', 1), priced('d', 2)]);
    expect(labelsAt(broker, at('s'))).toEqual(['b', 'd']);
    expect(refusal(() => broker.createRule('t', 's', sql('r', 'a = 1')))).toBe('entityExists');
    expect(refusal(() => broker.updateRule('t', 's', sql('x', 'a = 1')))).toBe('entityNotFound');
    expect(refusal(() => broker.deleteRule('t', 's', 'x'))).toBe('entityNotFound');
    expect(refusal(() => broker.createRule('t', 's', sql('bad', 'price >')))).toBe('invalidArgument');
    expect(broker.getSubscription('t', 's')!.rules).toHaveLength(1);
  });
});
