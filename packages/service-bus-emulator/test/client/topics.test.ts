import type { RuleProperties } from '@azure/service-bus';
import { bodies, openNamespace, type TestNamespace } from '../support/namespace';

let namespace: TestNamespace;
afterEach(async () => {
  await namespace.close();
});

const sql = (expression: string): { kind: 'sql'; expression: string } => ({ kind: 'sql', expression });

it('gives each subscription the messages that its rules take, changed by their actions', async () => {
  namespace = await openNamespace({
    topics: {
      events: {
        subscriptions: [
          { name: 'all' },
          {
            name: 'red',
            rules: [{ name: 'red', filter: { kind: 'correlation', label: 'paint', properties: { colour: 'red' } } }],
          },
          {
            name: 'large',
            rules: [{ name: 'large', filter: sql('size > 10'), action: "SET sys.Label = 'large'; SET seen = 1" }],
          },
          { name: 'none', rules: [{ name: 'none', filter: sql('1=0') }] },
        ],
      },
    },
  });
  const { client, name } = namespace;
  await client.createSender(name('events')).sendMessages([
    { body: 'red', subject: 'paint', applicationProperties: { colour: 'red', size: 5 } },
    { body: 'blue', subject: 'paint', applicationProperties: { colour: 'blue', size: 50 } },
  ]);
  const peek = (subscription: string) => client.createReceiver(name('events'), subscription).peekMessages(10);
  expect(bodies(await peek('all'))).toEqual(['red', 'blue']);
  expect(bodies(await peek('red'))).toEqual(['red']);
  expect(await peek('large')).toMatchObject([
    { body: 'blue', subject: 'large', applicationProperties: { colour: 'blue', size: 50, seen: 1 } },
  ]);
  expect(await peek('none')).toEqual([]);
});

it('receives, settles and dead-letters on a subscription', async () => {
  namespace = await openNamespace({ topics: { events: { subscriptions: [{ name: 'one' }, { name: 'two' }] } } });
  const { client, name } = namespace;
  await client.createSender(name('events')).sendMessages([{ body: 'a' }, { body: 'b' }]);
  const receiver = client.createReceiver(name('events'), 'one');
  await receiver.completeMessage((await receiver.receiveMessages(1))[0]!);
  await receiver.deadLetterMessage((await receiver.receiveMessages(1))[0]!, {
    deadLetterReason: 'r',
    deadLetterErrorDescription: 'd',
  });
  expect(await receiver.peekMessages(10)).toEqual([]);
  const dead = client.createReceiver(name('events'), 'one', { subQueueType: 'deadLetter' });
  expect((await dead.receiveMessages(1))[0]).toMatchObject({ body: 'b', deadLetterReason: 'r' });
  expect(bodies(await client.createReceiver(name('events'), 'two').peekMessages(10))).toEqual(['a', 'b']);
});

it('manages rules over AMQP', async () => {
  namespace = await openNamespace({ topics: { events: { subscriptions: [{ name: 'one' }] } } });
  const { client, name } = namespace;
  const rules = client.createRuleManager(name('events'), 'one');
  const list = async (): Promise<RuleProperties[]> => {
    const found: RuleProperties[] = [];
    for await (const rule of rules.listRules()) found.push(rule);
    return found;
  };
  expect(await list()).toMatchObject([{ name: '$Default', filter: { sqlExpression: '1=1' } }]);
  await rules.deleteRule('$Default');
  await rules.createRule('big', { sqlExpression: 'size > 10' }, { sqlExpression: 'SET big = 1' });
  await rules.createRule('blue', { subject: 'paint', applicationProperties: { colour: 'blue' } });
  expect(await list()).toMatchObject([
    { name: 'big', filter: { sqlExpression: 'size > 10' }, action: { sqlExpression: 'SET big = 1' } },
    { name: 'blue', filter: { subject: 'paint', applicationProperties: { colour: 'blue' } } },
  ]);
  await client
    .createSender(name('events'))
    .sendMessages([
      { body: 'small' },
      { body: 'big', applicationProperties: { size: 11 } },
      { body: 'blue', subject: 'paint', applicationProperties: { colour: 'blue' } },
    ]);
  expect(bodies(await client.createReceiver(name('events'), 'one').peekMessages(10))).toEqual(['big', 'blue']);
  await expect(rules.createRule('big', { sqlExpression: '1=1' })).rejects.toMatchObject({
    code: 'MessagingEntityAlreadyExists',
  });
  await expect(rules.deleteRule('nothing')).rejects.toThrow(/nothing/);
  await expect(rules.createRule('wrong', { sqlExpression: 'size >' })).rejects.toThrow(/size >|expected/i);
});

it('forwards messages to another entity, and dead letters to the one that is named for them', async () => {
  namespace = await openNamespace({
    queues: {
      target: {},
      dead: {},
      source: { forwardTo: 'target' },
      failing: { forwardDeadLetteredMessagesTo: 'dead' },
    },
  });
  const { client, name } = namespace;
  await client.createSender(name('source')).sendMessages({ body: 'forwarded' });
  expect(bodies(await client.createReceiver(name('target')).receiveMessages(1))).toEqual(['forwarded']);
  await client.createSender(name('failing')).sendMessages({ body: 'bad' });
  const receiver = client.createReceiver(name('failing'));
  await receiver.deadLetterMessage((await receiver.receiveMessages(1))[0]!, {
    deadLetterReason: 'r',
    deadLetterErrorDescription: 'd',
  });
  const [dead] = await client.createReceiver(name('dead')).receiveMessages(1);
  expect(dead).toMatchObject({ body: 'bad', deadLetterReason: 'r', deadLetterSource: name('failing') });
});
