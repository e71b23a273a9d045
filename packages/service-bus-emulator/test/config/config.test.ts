import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Namespace } from '../../src/broker/entities';
import { parseConfig, readConfig } from '../../src/config/config';
import { EmulatorError } from '../../src/emulator-error';

const MINUTE = 60_000;

const wrap = (namespace: object): string =>
  JSON.stringify({ UserConfig: { Namespaces: [{ Name: 'sbemulatorns', ...namespace }], Logging: { Type: 'File' } } });

const read = (namespace: object, warnings: string[] = []): Namespace =>
  parseConfig(wrap(namespace), 'Config.json', (warning) => warnings.push(warning));

const queue = (properties: object, name = 'q'): object => ({ Queues: [{ Name: name, Properties: properties }] });

const rule = (properties: object, name = 'r'): object => ({
  Topics: [{ Name: 't', Subscriptions: [{ Name: 's', Rules: [{ Name: name, Properties: properties }] }] }],
});

describe('A Config.json', () => {
  it("has the official emulator's defaults", () => {
    const receivable = {
      deadLetteringOnMessageExpiration: false,
      defaultTimeToLiveMs: 60 * MINUTE,
      forwardDeadLetteredMessagesTo: undefined,
      forwardTo: undefined,
      lockDurationMs: MINUTE,
      maxDeliveryCount: 3,
      requiresSession: false,
    };
    const deduplicating = { requiresDuplicateDetection: false, duplicateDetectionWindowMs: 20_000 };
    expect(read({ Queues: [{ Name: 'q' }], Topics: [{ Name: 't', Subscriptions: [{ Name: 's' }] }] })).toEqual({
      queues: [{ name: 'q', options: { ...receivable, ...deduplicating } }],
      topics: [
        {
          name: 't',
          options: { defaultTimeToLiveMs: 60 * MINUTE, ...deduplicating },
          subscriptions: [{ name: 's', options: receivable, rules: [] }],
        },
      ],
    });
  });

  it('gives each option as it says', () => {
    const { queues } = read({
      Queues: [
        {
          Name: 'q',
          Properties: {
            DeadLetteringOnMessageExpiration: true,
            DefaultMessageTimeToLive: 'PT5M',
            DuplicateDetectionHistoryTimeWindow: 'PT30S',
            ForwardDeadLetteredMessagesTo: 'OTHER',
            ForwardTo: '',
            LockDuration: 'PT5S',
            MaxDeliveryCount: 10,
            RequiresDuplicateDetection: true,
            RequiresSession: true,
          },
        },
        { Name: 'other', Properties: { ForwardTo: null } },
      ],
    });
    expect(queues[0]?.options).toEqual({
      deadLetteringOnMessageExpiration: true,
      defaultTimeToLiveMs: 5 * MINUTE,
      duplicateDetectionWindowMs: 30_000,
      forwardDeadLetteredMessagesTo: 'OTHER',
      forwardTo: undefined,
      lockDurationMs: 5_000,
      maxDeliveryCount: 10,
      requiresDuplicateDetection: true,
      requiresSession: true,
    });
  });

  it('gives rules: SQL with an action, correlation by each property', () => {
    const correlation = {
      ContentType: 'c',
      CorrelationId: 'ci',
      Label: 'l',
      MessageId: 'm',
      ReplyTo: 'r',
      ReplyToSessionId: 'rs',
      SessionId: 's',
      To: 't',
      Properties: { text: 'x', number: 5, flag: true },
    };
    const [sql] = read(
      rule({ FilterType: 'Sql', SqlFilter: { SqlExpression: 'a = 1' }, Action: { SqlExpression: 'SET b = 2' } }),
    ).topics[0]!.subscriptions[0]!.rules!;
    expect(sql).toEqual({ name: 'r', filter: { kind: 'sql', expression: 'a = 1' }, action: 'SET b = 2' });
    const [correlated] = read(rule({ FilterType: 'Correlation', CorrelationFilter: correlation, SqlFilter: null }))
      .topics[0]!.subscriptions[0]!.rules!;
    expect(correlated).toEqual({
      name: 'r',
      filter: {
        kind: 'correlation',
        contentType: 'c',
        correlationId: 'ci',
        label: 'l',
        messageId: 'm',
        replyTo: 'r',
        replyToSessionId: 'rs',
        sessionId: 's',
        to: 't',
        properties: { text: 'x', number: 5, flag: true },
      },
    });
  });

  it('may have comments, trailing commas and a byte order mark', () => {
    const text = `\uFEFF// first\n${wrap({ Queues: [{ Name: 'q' }] }).replace('"q"', '/* name */ "q",')}`;
    expect(parseConfig(text, 'Config.json').queues).toMatchObject([{ name: 'q' }]);
  });

  const wrong: readonly (readonly [string, object, string])[] = [
    ['a name that begins with a point', queue({}, '.q'), 'Queues[0].Name: expected letters, digits and'],
    ['no name', { Queues: [{}] }, 'Queues[0].Name: expected a text, got nothing.'],
    [
      'a queue twice',
      { Queues: [{ Name: 'q' }, { Name: 'Q' }] },
      'Queues[1].Name: expected a name that no other queue or',
    ],
    [
      'a queue and a topic of one name',
      { Queues: [{ Name: 'q' }], Topics: [{ Name: 'q' }] },
      'Topics[0].Name: expected a name',
    ],
    ['a list that is none', { Queues: {} }, 'Queues: expected a list, got {}.'],
    ['a queue that is no object', { Queues: ['q'] }, 'Queues[0]: expected an object, got "q".'],
    [
      'properties that are none',
      { Queues: [{ Name: 'q', Properties: 5 }] },
      'Queues[0].Properties: expected an object, got 5.',
    ],
    ['a flag that is none', queue({ RequiresSession: 'yes' }), 'RequiresSession: expected true or false, got "yes".'],
    [
      'a lock too short',
      queue({ LockDuration: 'PT4S' }),
      'LockDuration: expected an ISO 8601 duration from PT5S to PT5M, got "PT4S".',
    ],
    [
      'a lock too long',
      queue({ LockDuration: 'PT301S' }),
      'LockDuration: expected an ISO 8601 duration from PT5S to PT5M, got "PT301S".',
    ],
    [
      'a duration that is none',
      queue({ DefaultMessageTimeToLive: '1h' }),
      'DefaultMessageTimeToLive: expected an ISO 8601 duration',
    ],
    [
      'no delivery at all',
      queue({ MaxDeliveryCount: 0 }),
      'MaxDeliveryCount: expected a whole number from 1 to 2000, got 0.',
    ],
    [
      'half a delivery',
      queue({ MaxDeliveryCount: 1.5 }),
      'MaxDeliveryCount: expected a whole number from 1 to 2000, got 1.5.',
    ],
    [
      'a window too short',
      queue({ DuplicateDetectionHistoryTimeWindow: 'PT1S' }),
      'DuplicateDetectionHistoryTimeWindow: expected',
    ],
    [
      'forwarding to nowhere',
      queue({ ForwardTo: 'x' }),
      'ForwardTo: expected the name of a queue or topic (q), got "x".',
    ],
    [
      'dead letters to nowhere',
      queue({ ForwardDeadLetteredMessagesTo: 'x' }),
      'ForwardDeadLetteredMessagesTo: expected the name',
    ],
    [
      'forwarding to itself',
      queue({ ForwardTo: 'Q' }),
      'ForwardTo: expected another queue or topic, got the queue itself.',
    ],
    [
      'forwarding with sessions',
      queue({ ForwardTo: 'x', RequiresSession: true }),
      'ForwardTo: what has RequiresSession cannot',
    ],
    [
      'a rule without a type',
      rule({ SqlFilter: { SqlExpression: '1=1' } }),
      'FilterType: expected "Correlation" or "Sql", got nothing.',
    ],
    [
      'a rule without its filter',
      rule({ FilterType: 'Sql' }),
      'Rules[0].Properties.SqlFilter: expected an object, got nothing.',
    ],
    [
      'SQL that is none',
      rule({ FilterType: 'Sql', SqlFilter: { SqlExpression: 'a =' } }),
      'SqlExpression: Expected a property, a',
    ],
    [
      'an action that is none',
      rule({ FilterType: 'Sql', SqlFilter: { SqlExpression: '1=1' }, Action: { SqlExpression: 'GO' } }),
      'Action.SqlExpression: Expected SET or REMOVE, got "GO" (at character 1): "GO".',
    ],
    [
      'correlation by nothing',
      rule({ FilterType: 'Correlation', CorrelationFilter: {} }),
      'expected at least one of ContentType',
    ],
    [
      'correlation by a list',
      rule({ FilterType: 'Correlation', CorrelationFilter: { Properties: { a: [] } } }),
      'CorrelationFilter.Properties.a: expected a text, a number, true or false, got [].',
    ],
  ];

  it.each(wrong)('is refused with %s', (_title, namespace, says) => {
    expect(() => read(namespace)).toThrow(EmulatorError);
    expect(() => read(namespace)).toThrow(says);
  });

  it('is refused when messages would go round in a circle, by way of a topic too', () => {
    const circle = {
      Queues: [
        { Name: 'a', Properties: { ForwardTo: 'T' } },
        { Name: 'b', Properties: { ForwardTo: 'a' } },
      ],
      Topics: [{ Name: 't', Subscriptions: [{ Name: 's', Properties: { ForwardTo: 'b' } }] }],
    };
    expect(() => read(circle)).toThrow(
      'Queues[0].Properties.ForwardTo: goes round in a circle: a -> t -> t/subscriptions/s -> b -> a.',
    );
  });

  it('tells all that is wrong at once, each with its line', () => {
    const text = [
      '{ "UserConfig": {',
      '  "Namespaces": [{ "Name": "sbemulatorns", "Queues": [',
      '    { "Name": "a", "Properties": { "LockDuration": 5 } },',
      '    { "Name": "b",',
      '      "Properties": { "MaxDeliveryCount": "3" } } ] }],',
      '  "Logging": { "Type": "Paper" } } }',
    ].join('\n');
    expect(() => parseConfig(text, 'my.json')).toThrow(
      [
        'my.json is not a configuration:',
        '  line 6, UserConfig.Logging.Type: expected one of "File", "Console", "File,Console", "Console,File", got "Paper".',
        '  line 3, UserConfig.Namespaces[0].Queues[0].Properties.LockDuration: expected an ISO 8601 duration from PT5S to PT5M, got 5.',
        '  line 5, UserConfig.Namespaces[0].Queues[1].Properties.MaxDeliveryCount: expected a whole number from 1 to 2000, got "3".',
      ].join('\n'),
    );
  });

  it.each([
    ['[]', 'the whole file: expected an object, got [].'],
    ['{}', 'UserConfig: expected an object, got nothing.'],
    ['{"UserConfig":{}}', 'UserConfig.Namespaces: expected a list of one namespace, got nothing.'],
    ['{"UserConfig":{"Namespaces":[]}}', 'UserConfig.Namespaces: expected a list of one namespace, got 0.'],
    ['{"UserConfig":{"Namespaces":[{"Name":"a"},{"Name":"b"}]}}', 'expected a list of one namespace, got 2.'],
  ])('is refused when it is only %s', (text, says) => {
    expect(() => parseConfig(text, 'Config.json')).toThrow(says);
  });

  it('is refused with the line when it is no JSON', () => {
    expect(() => parseConfig('{\n  "UserConfig": [}\n}', 'Config.json')).toThrow(
      'Config.json is no JSON (with comments):\n  line 2: ValueExpected.',
    );
  });

  it.each([
    [
      'an unknown key',
      queue({ LockTime: 'PT1M' }),
      'Properties.LockTime: unknown key, it has no effect; known here: DeadLetter',
    ],
    [
      'a key in another case',
      queue({ lockDuration: 'PT1M' }),
      'lockDuration: unknown key, it has no effect; did you mean LockDuration?',
    ],
    [
      'a longer time to live',
      queue({ DefaultMessageTimeToLive: 'P1D' }),
      'the official emulator takes only PT1S to PT1H, got P1D.',
    ],
    ['more deliveries', queue({ MaxDeliveryCount: 11 }), 'the official emulator takes only 1 to 10, got 11.'],
    ['a name with ~', queue({}, 'a~b'), 'the official emulator refuses names with "~".'],
    ['a topic without subscriptions', { Topics: [{ Name: 't' }] }, 'the official emulator takes 1 to 50, got 0.'],
    [
      'another name',
      { Name: 'mine' },
      'Name: the official emulator calls its namespace "sbemulatorns" whatever stands here, got "mine".',
    ],
  ])('is taken with a warning that names %s', (_title, namespace, says) => {
    const warnings: string[] = [];
    read(namespace, warnings);
    expect(warnings).toEqual([expect.stringContaining(says)]);
  });

  it('is read from a file, and a file that is missing is an error that names it', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'config-'));
    try {
      const file = path.join(folder, 'Config.json');
      await expect(readConfig(file)).rejects.toThrow(`${file} cannot be read: ENOENT`);
      await writeFile(file, wrap({ Queues: [{ Name: 'q' }] }));
      await expect(readConfig(file)).resolves.toMatchObject({ queues: [{ name: 'q' }] });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
