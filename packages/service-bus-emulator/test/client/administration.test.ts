import { openSecureNamespace, type SecureNamespace } from '../support/tls-client';

jest.setTimeout(60_000);

const real = process.env['SERVICE_BUS_CONNECTION_STRING'] !== undefined;
const onlyHere = real ? it.skip : it;
const suffix = Math.random().toString(36).slice(2, 8);
/** Dates come from another process, so from another realm than this one's Date. */
const aTime = { asymmetricMatch: (value: unknown) => Object.prototype.toString.call(value) === '[object Date]' };
const name = (base: string): string => `${base}-${suffix}`;

describe("Microsoft's administration client", () => {
  let namespace: SecureNamespace;
  const admin = <T = Record<string, unknown>>(method: string, ...args: readonly unknown[]): Promise<T> =>
    namespace.admin<T>(method, ...args);

  beforeAll(async () => {
    namespace = await openSecureNamespace();
  });
  afterAll(async () => {
    if (real) {
      for (const { name: queue } of await admin<{ name: string }[]>('listQueues')) {
        if (queue.endsWith(suffix)) await admin('deleteQueue', queue);
      }
      for (const { name: topic } of await admin<{ name: string }[]>('listTopics')) {
        if (topic.endsWith(suffix)) await admin('deleteTopic', topic);
      }
    }
    await namespace.close();
  });

  describe('queues', () => {
    it('are made with the defaults of Azure', async () => {
      expect(await admin('createQueue', name('plain'))).toMatchObject({
        name: name('plain'),
        lockDuration: 'PT1M',
        maxSizeInMegabytes: 1024,
        maxDeliveryCount: 10,
        requiresSession: false,
        requiresDuplicateDetection: false,
        duplicateDetectionHistoryTimeWindow: 'PT10M',
        defaultMessageTimeToLive: 'P10675199DT2H48M5.4775807S',
        autoDeleteOnIdle: 'P10675199DT2H48M5.4775807S',
        deadLetteringOnMessageExpiration: false,
        enableBatchedOperations: true,
        enablePartitioning: false,
        status: 'Active',
        availabilityStatus: 'Available',
      });
    });

    it('are made with all options, and give them back', async () => {
      await admin('createQueue', name('target'));
      const options = {
        lockDuration: 'PT45S',
        maxSizeInMegabytes: 2048,
        maxDeliveryCount: 5,
        requiresSession: true,
        requiresDuplicateDetection: true,
        duplicateDetectionHistoryTimeWindow: 'PT1M',
        defaultMessageTimeToLive: 'P2D',
        autoDeleteOnIdle: 'PT1H',
        deadLetteringOnMessageExpiration: true,
        enableBatchedOperations: false,
        forwardDeadLetteredMessagesTo: name('target'),
        userMetadata: 'orders & <more>, "quoted" and ünïcode',
        status: 'SendDisabled',
      };
      await admin('createQueue', name('full'), options);
      const { forwardDeadLetteredMessagesTo, ...rest } = options;
      const queue = await admin('getQueue', name('full'));
      expect(queue).toMatchObject(rest);
      expect(queue['forwardDeadLetteredMessagesTo']).toMatch(new RegExp(`^sb://.+/${forwardDeadLetteredMessagesTo}$`));
    });

    it('are updated: what was read is sent back with a change', async () => {
      await admin('createQueue', name('changing'), { userMetadata: 'first', forwardTo: name('target') });
      const queue = await admin('getQueue', name('changing'));
      await admin('updateQueue', { ...queue, maxDeliveryCount: 3, userMetadata: 'second', forwardTo: undefined });
      const changed = await admin('getQueue', name('changing'));
      expect(changed).toMatchObject({ maxDeliveryCount: 3, userMetadata: 'second', lockDuration: 'PT1M' });
      expect(changed['forwardTo']).toBeUndefined();
    });

    it('keep what is fixed at creation', async () => {
      const queue = await admin('getQueue', name('plain'));
      await expect(admin('updateQueue', { ...queue, requiresSession: true })).rejects.toMatchObject({
        statusCode: 400,
        message: expect.stringMatching(/session/i),
      });
    });

    it('exist or not, whatever the case of their name', async () => {
      expect(await admin('queueExists', name('plain'))).toBe(true);
      expect(await admin('queueExists', name('plain').toUpperCase())).toBe(true);
      expect(await admin('queueExists', name('nowhere'))).toBe(false);
    });

    it('tell how many messages they have', async () => {
      await admin('createQueue', name('counted'));
      await namespace.exchange(name('counted'), ['gone']);
      expect(await admin('getQueueRuntimeProperties', name('counted'))).toMatchObject({
        name: name('counted'),
        totalMessageCount: 0,
        activeMessageCount: 0,
        deadLetterMessageCount: 0,
        scheduledMessageCount: 0,
        transferMessageCount: 0,
        transferDeadLetterMessageCount: 0,
        sizeInBytes: 0,
        createdAt: aTime,
        modifiedAt: aTime,
        accessedAt: aTime,
      });
    });

    it('are deleted', async () => {
      await admin('createQueue', name('short-lived'));
      await admin('deleteQueue', name('short-lived'));
      expect(await admin('queueExists', name('short-lived'))).toBe(false);
    });

    it('are listed page by page, by name', async () => {
      const names = ['a', 'b', 'c', 'd', 'e'].map((letter) => name(`page-${letter}`));
      for (const one of names) await admin('createQueue', one);
      const pages = await namespace.pages('listQueues', [], 2);
      expect(pages.every((page) => page.length <= 2)).toBe(true);
      expect(pages.flat().filter((one) => names.includes(one))).toEqual(names);
      const all = await admin<{ name: string }[]>('listQueuesRuntimeProperties');
      expect(all.map((queue) => queue.name)).toEqual(expect.arrayContaining(names));
    });
  });

  describe('topics and subscriptions', () => {
    beforeAll(async () => {
      await admin('createTopic', name('events'), { defaultMessageTimeToLive: 'P1D', supportOrdering: true });
    });

    it('are made, with options, and give them back', async () => {
      expect(await admin('getTopic', name('events'))).toMatchObject({
        name: name('events'),
        defaultMessageTimeToLive: 'P1D',
        supportOrdering: true,
        requiresDuplicateDetection: false,
        status: 'Active',
      });
      await admin('createSubscription', name('events'), 'all', { lockDuration: 'PT30S', requiresSession: true });
      expect(await admin('getSubscription', name('events'), 'all')).toMatchObject({
        subscriptionName: 'all',
        topicName: name('events'),
        lockDuration: 'PT30S',
        requiresSession: true,
        deadLetteringOnFilterEvaluationExceptions: true,
        maxDeliveryCount: 10,
      });
    });

    it('are updated, counted, listed and deleted', async () => {
      await admin('createSubscription', name('events'), 'changing');
      const subscription = await admin('getSubscription', name('events'), 'changing');
      await admin('updateSubscription', { ...subscription, maxDeliveryCount: 2 });
      expect(await admin('getSubscription', name('events'), 'changing')).toMatchObject({ maxDeliveryCount: 2 });
      const topic = await admin('getTopic', name('events'));
      await admin('updateTopic', { ...topic, userMetadata: 'changed' });
      expect(await admin('getTopic', name('events'))).toMatchObject({ userMetadata: 'changed' });

      expect(await admin('getTopicRuntimeProperties', name('events'))).toMatchObject({
        subscriptionCount: 2,
        scheduledMessageCount: 0,
      });
      expect(await admin('getSubscriptionRuntimeProperties', name('events'), 'changing')).toMatchObject({
        totalMessageCount: 0,
        activeMessageCount: 0,
        deadLetterMessageCount: 0,
      });
      expect(await admin('listSubscriptions', name('events'))).toEqual([
        expect.objectContaining({ subscriptionName: 'all' }),
        expect.objectContaining({ subscriptionName: 'changing' }),
      ]);
      expect(await namespace.pages('listSubscriptions', [name('events')], 1)).toEqual(
        expect.arrayContaining([['all'], ['changing']]),
      );
      await admin('deleteSubscription', name('events'), 'changing');
      expect(await admin('subscriptionExists', name('events'), 'changing')).toBe(false);
      expect(await admin('subscriptionExists', name('events'), 'all')).toBe(true);
      await admin('createTopic', name('short-lived-topic'));
      await admin('deleteTopic', name('short-lived-topic'));
      expect(await admin('topicExists', name('short-lived-topic'))).toBe(false);
    });
  });

  describe('rules', () => {
    const topic = name('ruled');
    beforeAll(async () => {
      await admin('createTopic', topic);
      await admin('createSubscription', topic, 'some');
    });

    it('are one that takes all, when none is given', async () => {
      expect(await admin('listRules', topic, 'some')).toEqual([
        expect.objectContaining({ name: '$Default', filter: expect.objectContaining({ sqlExpression: '1=1' }) }),
      ]);
    });

    it('are made with the subscription', async () => {
      await admin('createSubscription', topic, 'ready', {
        defaultRuleOptions: { name: 'large', filter: { sqlExpression: 'total > 100' } },
      });
      expect(await admin('listRules', topic, 'ready')).toEqual([
        expect.objectContaining({ name: 'large', filter: expect.objectContaining({ sqlExpression: 'total > 100' }) }),
      ]);
    });

    it('hold SQL with parameters and an action', async () => {
      const parameters = {
        '@least': 10,
        '@place': 'Zürich',
        '@open': true,
        '@since': new Date('2026-01-01T00:00:00Z'),
      };
      await admin(
        'createRule',
        topic,
        'some',
        'sql',
        {
          sqlExpression: 'total >= @least AND place = @place AND open = @open AND at > @since',
          sqlParameters: parameters,
        },
        { sqlExpression: "SET seen = 'yes'; REMOVE secret" },
      );
      expect(await admin('getRule', topic, 'some', 'sql')).toMatchObject({
        name: 'sql',
        filter: {
          sqlExpression: 'total >= @least AND place = @place AND open = @open AND at > @since',
          sqlParameters: parameters,
        },
        action: { sqlExpression: "SET seen = 'yes'; REMOVE secret" },
      });
    });

    it('hold what a message has to equal', async () => {
      const filter = {
        correlationId: 'c',
        subject: 's',
        to: 't',
        replyTo: 'r',
        replyToSessionId: 'rs',
        sessionId: 'ss',
        messageId: 'm',
        contentType: 'text/plain',
        applicationProperties: { kind: 'order-placed', size: 1.5 },
      };
      await admin('createRule', topic, 'some', 'correlation', filter);
      expect(await admin('getRule', topic, 'some', 'correlation')).toMatchObject({ name: 'correlation', filter });
    });

    it('are updated, listed and deleted', async () => {
      const rule = await admin('getRule', topic, 'some', '$Default');
      await admin('updateRule', topic, 'some', { ...rule, filter: { sqlExpression: '1=0' } });
      expect(await admin('getRule', topic, 'some', '$Default')).toMatchObject({ filter: { sqlExpression: '1=0' } });
      await admin('deleteRule', topic, 'some', 'sql');
      const names = (await admin<{ name: string }[]>('listRules', topic, 'some')).map((one) => one.name);
      expect(names.sort()).toEqual(['$Default', 'correlation']);
      expect(await admin('ruleExists', topic, 'some', 'sql')).toBe(false);
    });

    it('are refused when their expression cannot be read', async () => {
      await expect(admin('createRule', topic, 'some', 'broken', { sqlExpression: 'total >' })).rejects.toMatchObject({
        statusCode: 400,
      });
    });
  });

  describe('failures', () => {
    it('of an entity that is not there are MessageEntityNotFoundError', async () => {
      for (const [method, ...args] of [
        ['getQueue', name('nowhere')],
        ['getTopic', name('nowhere')],
        ['getSubscription', name('nowhere'), 's'],
        ['deleteQueue', name('nowhere')],
        ['getRule', name('events'), 'all', 'nowhere'],
      ] as const) {
        await expect(admin(method, ...args)).rejects.toMatchObject({
          name: 'RestError',
          code: 'MessageEntityNotFoundError',
        });
      }
    });

    it('of a name that is taken are MessageEntityAlreadyExistsError', async () => {
      for (const [method, ...args] of [
        ['createQueue', name('plain')],
        ['createTopic', name('events')],
        ['createSubscription', name('events'), 'all'],
        ['createRule', name('ruled'), 'some', '$Default', { sqlExpression: '1=1' }],
      ] as const) {
        await expect(admin(method, ...args)).rejects.toMatchObject({
          code: 'MessageEntityAlreadyExistsError',
          statusCode: 409,
        });
      }
      await expect(admin('createTopic', name('plain'))).rejects.toMatchObject({ statusCode: 409 });
    });

    onlyHere('of bad options say what was expected, what came, and where', async () => {
      for (const [options, message] of [
        [
          { lockDuration: 'PT10M' },
          'QueueDescription/LockDuration: expected a duration from PT5S to PT5M, got "PT10M"',
        ],
        [
          { lockDuration: 'a minute' },
          'QueueDescription/LockDuration: expected a duration from PT5S to PT5M, got "a minute"',
        ],
        [{ maxDeliveryCount: 0 }, 'QueueDescription/MaxDeliveryCount: expected a whole number from 1 to 2000, got "0"'],
        [
          { maxSizeInMegabytes: 1000 },
          'QueueDescription/MaxSizeInMegabytes: expected a multiple of 1024 from 1024 to 81920, got "1000"',
        ],
        [
          { status: 'Sleeping' },
          'QueueDescription/Status: expected Active, Disabled, SendDisabled, ReceiveDisabled, got "Sleeping"',
        ],
        [{ forwardTo: 'nowhere' }, 'QueueDescription/ForwardTo: expected the name of a queue or topic that is there'],
        [
          { userMetadata: 'x'.repeat(1025) },
          'QueueDescription/UserMetadata: expected a text of at most 1024 characters, got "one of 1025"',
        ],
        [
          { enableExpress: true },
          'QueueDescription/EnableExpress: expected false (express entities are not supported)',
        ],
      ] as const) {
        await expect(admin('createQueue', name('bad'), options)).rejects.toMatchObject({
          statusCode: 400,
          message: expect.stringContaining(message),
        });
      }
      await expect(admin('createQueue', `-${name('bad')}`)).rejects.toMatchObject({ statusCode: 400 });
    });
  });

  it('reads what namespace it is', async () => {
    expect(await admin('getNamespaceProperties')).toMatchObject({
      name: real ? expect.any(String) : 'sbemulatorns',
      messagingSku: real ? expect.any(String) : 'Standard',
      createdAt: aTime,
    });
  });
});
