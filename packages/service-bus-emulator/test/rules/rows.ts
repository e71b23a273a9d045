import type { Filter } from '../../src/rules/filter';
import type { RuleSystemProperties, RuleValue } from '../../src/rules/rule-message';

/**
 * What rules can do, one row each: the tests run them, the package's README lists them. `system` and `application` are
 * the message's properties. A result is whether the filter takes the message, or `error` when it cannot be worked out
 * for this message.
 */
export interface FilterRow {
  readonly title: string;
  readonly filter: string | Filter;
  readonly system?: RuleSystemProperties;
  readonly application?: Readonly<Record<string, RuleValue>>;
  readonly result: boolean | 'error';
}

const order = { total: 120, country: 'NL', express: true, weight: 2.5, note: null };

export const filterRows: readonly FilterRow[] = [
  { title: 'Equality of strings, by case', filter: "country = 'nl'", application: order, result: false },
  { title: '= on numbers', filter: 'total = 120', application: order, result: true },
  { title: '= on an integer and a decimal', filter: 'total = 120.0', application: order, result: true },
  { title: '= on booleans', filter: 'express = TRUE', application: order, result: true },
  { title: '<>', filter: "country <> 'BE'", application: order, result: true },
  { title: '!=', filter: "country != 'NL'", application: order, result: false },
  { title: '<', filter: 'weight < 2.6', application: order, result: true },
  { title: '>', filter: 'total > 120', application: order, result: false },
  { title: '<=', filter: 'total <= 120', application: order, result: true },
  { title: '>=', filter: 'total >= 121', application: order, result: false },
  {
    title: 'A comparison of two properties',
    filter: 'total > limit',
    application: { total: 5, limit: 4 },
    result: true,
  },
  {
    title: 'A comparison of system times',
    filter: 'sys.EnqueuedTimeUtc < sys.ExpiresAtUtc',
    system: { EnqueuedTimeUtc: new Date(1), ExpiresAtUtc: new Date(2) },
    result: true,
  },
  { title: 'AND', filter: "total > 100 AND country = 'BE'", application: order, result: false },
  { title: 'OR', filter: "total > 1000 OR country = 'NL'", application: order, result: true },
  { title: 'NOT', filter: 'NOT total > 1000', application: order, result: true },
  { title: 'NOT binds before AND', filter: 'NOT total > 1000 AND total > 1000', application: order, result: false },
  { title: 'AND binds before OR', filter: '1=1 OR 1=1 AND 1=0', result: true },
  { title: 'Parentheses around conditions', filter: '(1=1 OR 1=1) AND 1=0', result: false },
  { title: 'Keywords in any case', filter: "total > 1 and not country in ('BE')", application: order, result: true },
  { title: 'LIKE with %', filter: "name LIKE 'or%er%'", application: { name: 'order-7' }, result: true },
  { title: 'LIKE with _', filter: "name LIKE 'A_C'", application: { name: 'ABBC' }, result: false },
  { title: 'LIKE, by case', filter: "name LIKE 'ORDER%'", application: { name: 'order' }, result: false },
  {
    title: 'LIKE with ESCAPE',
    filter: "name LIKE 'ABC\\%' ESCAPE '\\'",
    application: { name: 'ABCD' },
    result: false,
  },
  { title: 'NOT LIKE', filter: "name NOT LIKE '%x%'", application: { name: 'abc' }, result: true },
  { title: 'LIKE on a number is an error', filter: "total LIKE '1%'", application: order, result: 'error' },
  { title: 'IN', filter: "country IN ('BE', 'NL')", application: order, result: true },
  { title: 'NOT IN', filter: "country NOT IN ('BE', 'NL')", application: order, result: false },
  { title: 'IN with expressions', filter: 'total IN (100 + 20)', application: order, result: true },
  { title: 'NOT IN for a property that is not there is unknown', filter: "x NOT IN ('a')", result: false },
  { title: 'EXISTS', filter: 'EXISTS(total)', application: order, result: true },
  { title: 'EXISTS of a property that holds null', filter: 'EXISTS(note)', application: order, result: true },
  { title: 'NOT EXISTS', filter: 'NOT EXISTS (missing)', application: order, result: true },
  { title: 'EXISTS of a system property', filter: 'EXISTS(sys.Label)', system: { Label: 'a' }, result: true },
  { title: 'IS NULL of a property that is not there', filter: 'missing IS NULL', application: order, result: true },
  { title: 'IS NULL of null', filter: 'note IS NULL', application: order, result: true },
  { title: 'IS NOT NULL', filter: 'total IS NOT NULL', application: order, result: true },
  { title: 'IS NULL of a system property without value', filter: 'sys.SessionId IS NULL', result: true },
  { title: '+ on numbers', filter: 'total + 1 = 121', application: order, result: true },
  { title: '+ joins strings', filter: "country + '-' + total = 'NL-120'", application: order, result: true },
  { title: '-', filter: 'total - 20 = 100', application: order, result: true },
  { title: '*', filter: 'weight * 2 = 5', application: order, result: true },
  { title: '/ on integers drops the rest', filter: '7 / 2 = 3', result: true },
  { title: '/ with a decimal keeps it', filter: '7 / 2.0 = 3.5', result: true },
  { title: '%', filter: 'total % 50 = 20', application: order, result: true },
  { title: 'Arithmetic from left to right', filter: '10 - 4 - 3 = 3', result: true },
  { title: '* binds before +', filter: '1 + 2 * 3 = 7', result: true },
  { title: 'Parentheses around values', filter: '(1 + 2) * 3 = 9', result: true },
  { title: 'Unary minus and plus', filter: '-total = +(-120)', application: order, result: true },
  { title: 'Division by zero is an error', filter: 'total / 0 = 1', application: order, result: 'error' },
  { title: 'An overflow of 64 bits is an error', filter: '9223372036854775807 + 1 > 0', result: 'error' },
  {
    title: 'Integers beyond 2^53',
    filter: 'id = 9007199254740993',
    application: { id: 9007199254740993n },
    result: true,
  },
  { title: 'Numbers with exponents', filter: 'weight < 101.5E5 AND weight > 0.5e-2', application: order, result: true },
  { title: "A quote in a string, as ''", filter: "name = 'O''Brien'", application: { name: "O'Brien" }, result: true },
  { title: 'TRUE and FALSE', filter: 'express <> FALSE', application: order, result: true },
  {
    title: 'A comparison with NULL is unknown',
    filter: 'note = NULL OR note <> NULL',
    application: order,
    result: false,
  },
  { title: 'sys. properties', filter: "sys.Label = 'created'", system: { Label: 'created' }, result: true },
  { title: 'sys. names in any case', filter: "SYS.messageid = 'a'", system: { MessageId: 'a' }, result: true },
  { title: 'user. properties', filter: 'user.total = 120', application: order, result: true },
  { title: 'Application properties in any case', filter: "COUNTRY = 'NL'", application: order, result: true },
  { title: 'An exact name goes first', filter: 'a = 2', application: { A: 1, a: 2 }, result: true },
  { title: '[names in brackets]', filter: "[HR]]x y] = 'a'", application: { 'HR]x y': 'a' }, result: true },
  { title: '"names in quotes"', filter: '"Contoso & ""N""" = 1', application: { 'Contoso & "N"': 1 }, result: true },
  { title: 'Keywords as names in brackets', filter: '[like] = 1', application: { like: 1 }, result: true },
  { title: 'Names with letters of any script', filter: 'größe_2 = 1', application: { größe_2: 1 }, result: true },
  { title: 'property(name)', filter: "property('to' + 'tal') = 120", application: order, result: true },
  { title: 'p(name)', filter: "p('total') > 100", application: order, result: true },
  { title: 'newid()', filter: "newid() LIKE '________-____-4%'", result: true },
  {
    title: 'Parameters',
    filter: {
      kind: 'sql',
      expression: 'total >= @limit AND country = @where',
      parameters: { '@limit': 100, where: 'NL' },
    },
    application: order,
    result: true,
  },
  { title: 'Unknown in a comparison', filter: 'missing = 1 OR missing <> 1', result: false },
  { title: 'Unknown in arithmetic', filter: 'missing + 1 > 0', result: false },
  { title: 'NOT unknown is unknown', filter: 'NOT (missing = 1)', result: false },
  { title: 'Unknown AND false is false', filter: 'NOT (missing = 1 AND 1=0)', result: true },
  { title: 'Unknown OR true is true', filter: 'missing = 1 OR 1=1', result: true },
  { title: 'Unknown in LIKE', filter: "missing NOT LIKE 'a'", result: false },
  { title: 'A string compared with a number is an error', filter: 'country = 5', application: order, result: 'error' },
  { title: '< between strings is an error', filter: "country < 'Z'", application: order, result: 'error' },
  { title: 'AND stops at the first false', filter: '1=0 AND country = 5', application: order, result: false },
  { title: 'The true filter', filter: { kind: 'true' }, result: true },
  { title: 'The false filter', filter: { kind: 'false' }, result: false },
  {
    title: 'Correlation on one property',
    filter: { kind: 'correlation', label: 'a' },
    system: { Label: 'a' },
    result: true,
  },
  {
    title: 'Correlation on every system property',
    filter: {
      kind: 'correlation',
      contentType: 'application/json',
      correlationId: 'c',
      label: 'l',
      messageId: 'm',
      replyTo: 'r',
      replyToSessionId: 'rs',
      sessionId: 's',
      to: 't',
    },
    system: {
      ContentType: 'application/json',
      CorrelationId: 'c',
      Label: 'l',
      MessageId: 'm',
      ReplyTo: 'r',
      ReplyToSessionId: 'rs',
      SessionId: 's',
      To: 't',
    },
    result: true,
  },
  {
    title: 'Correlation needs all that it names',
    filter: { kind: 'correlation', label: 'a', properties: { total: 1 } },
    system: { Label: 'a' },
    application: { total: 2 },
    result: false,
  },
  { title: 'Correlation, by case', filter: { kind: 'correlation', label: 'a' }, system: { Label: 'A' }, result: false },
  {
    title: 'Correlation on application properties',
    filter: { kind: 'correlation', properties: { country: 'NL', express: true, total: 120 } },
    application: order,
    result: true,
  },
  {
    title: 'Correlation, by type: "120" is not 120',
    filter: { kind: 'correlation', properties: { total: '120' } },
    application: order,
    result: false,
  },
  {
    title: 'Correlation on times',
    filter: { kind: 'correlation', properties: { at: new Date(5) } },
    application: { at: new Date(5) },
    result: true,
  },
];

/** Expressions that are refused when the rule is made, and what is said. */
export const refusedFilters: readonly { readonly expression: string; readonly says: string }[] = [
  { expression: '', says: 'Expected a property, a constant, a function or "(", got the end (at character 1)' },
  { expression: 'total', says: 'Expected a condition, got a value: compare it with something (at character 1)' },
  { expression: 'total = ', says: 'Expected a property, a constant, a function or "(", got the end (at character 9)' },
  { expression: 'a = 1 b = 2', says: 'Expected AND, OR or the end, got "b" (at character 7)' },
  { expression: 'a = 1 AND b', says: 'Expected a condition, got a value: compare it with something (at character 11)' },
  { expression: '(a = 1) + 1 = 2', says: 'Expected a value, got a condition (at character 4)' },
  { expression: '(a = 1', says: 'Expected ")", got the end (at character 7)' },
  { expression: "a = 'x", says: "Expected a closing ' for the ' that opens here, got the end (at character 5)" },
  { expression: '[a = 1', says: 'Expected a closing ] for the [ that opens here, got the end (at character 1)' },
  { expression: '[] = 1', says: 'Expected a property name between the delimiters, got nothing (at character 1)' },
  { expression: 'a = #', says: 'Unexpected character "#" (at character 5)' },
  { expression: 'a IS 1', says: 'Expected NULL or NOT NULL, got "1" (at character 6)' },
  { expression: '1 IS NULL', says: 'Expected a property before IS, got something else (at character 1)' },
  { expression: 'a NOT 1', says: 'Expected IN or LIKE, got "1" (at character 7)' },
  { expression: 'a IN ()', says: 'Expected a property, a constant, a function or "(", got ")" (at character 7)' },
  { expression: 'EXISTS a', says: 'Expected "(" after EXISTS, got "a" (at character 8)' },
  { expression: 'EXISTS(1)', says: 'Expected a property, got "1" (at character 8)' },
  { expression: 'other.a = 1', says: 'Expected the scope sys or user before ".", got other (at character 1)' },
  { expression: 'sys.Nope = 1', says: 'Expected a system property (ContentType, CorrelationId, DeadLetterSource' },
  { expression: 'upper(a) = 1', says: 'Expected newid(), property(name) or p(name), got "upper" (at character 1)' },
  { expression: 'a = @b', says: 'Expected a parameter that has a value (none), got @b (at character 5)' },
  { expression: 'a = 9223372036854775808', says: 'Expected an integer of at most 9223372036854775807' },
  { expression: `a = '${'x'.repeat(1024)}'`, says: 'Expected at most 1024 characters, got 1030' },
];

/** An action, the message before, and what it changes. */
export interface ActionRow {
  readonly title: string;
  readonly action: string;
  readonly system?: RuleSystemProperties;
  readonly application?: Readonly<Record<string, RuleValue>>;
  readonly changes: {
    readonly system?: Readonly<Record<string, RuleValue>>;
    readonly application?: Readonly<Record<string, RuleValue | undefined>>;
  };
}

export const actionRows: readonly ActionRow[] = [
  { title: 'SET makes a property', action: "SET colour = 'red'", changes: { application: { colour: 'red' } } },
  {
    title: 'SET changes a property, under the name that it has',
    action: 'SET TOTAL = total * 2',
    application: order,
    changes: { application: { total: 240 } },
  },
  {
    title: 'SET keeps the type of a property that is there',
    action: "SET total = '7'; SET express = 'false'; SET country = 5",
    application: order,
    changes: { application: { total: 7, express: false, country: '5' } },
  },
  {
    title: 'SET to what is not there is null',
    action: 'SET total = missing + 1',
    application: order,
    changes: { application: { total: null } },
  },
  { title: 'SET sys.Label', action: "SET sys.Label = 'new'", changes: { system: { Label: 'new' } } },
  {
    title: 'SET of the other system properties',
    action:
      "SET sys.to='t'; SET sys.ReplyTo='r'; SET sys.SessionId='s'; SET sys.ReplyToSessionId='x'; SET sys.CorrelationId=5;" +
      "SET sys.ContentType='c'; SET sys.MessageId='m'; SET sys.PartitionKey='s'; SET sys.TimeToLive='1.02:03:04.5';" +
      "SET sys.ScheduledEnqueueTimeUtc='2030-01-02T03:04:05Z'",
    changes: {
      system: {
        To: 't',
        ReplyTo: 'r',
        SessionId: 's',
        ReplyToSessionId: 'x',
        CorrelationId: '5',
        ContentType: 'c',
        MessageId: 'm',
        PartitionKey: 's',
        TimeToLive: 93_784_500,
        ScheduledEnqueueTimeUtc: new Date('2030-01-02T03:04:05Z'),
      },
    },
  },
  {
    title: 'REMOVE',
    action: 'REMOVE country; REMOVE missing',
    application: order,
    changes: { application: { country: undefined } },
  },
  { title: 'REMOVE of a system property', action: 'REMOVE sys.Label', changes: { system: { Label: null } } },
  {
    title: 'Several statements, ; between them or not, each sees what those before it did',
    action: "SET a = 1 SET b = a + 1; SET sys.Label = 'x' + b; REMOVE a; SET c = sys.Label;",
    changes: { system: { Label: 'x2' }, application: { a: undefined, b: 2, c: 'x2' } },
  },
];

/** Actions that are refused when the rule is made, and what is said. */
export const refusedActions: readonly { readonly expression: string; readonly says: string }[] = [
  { expression: '', says: 'Expected SET or REMOVE, got the end (at character 1)' },
  { expression: 'UPDATE a = 1', says: 'Expected SET or REMOVE, got "UPDATE" (at character 1)' },
  { expression: 'SET a 1', says: 'Expected =, got "1" (at character 7)' },
  { expression: 'SET sys.SequenceNumber = 1', says: 'Expected a system property that can be changed (ContentType' },
  { expression: 'REMOVE', says: 'Expected a property, got the end (at character 7)' },
  { expression: 'SET a = (1 = 1)', says: 'Expected a value, got a condition (at character 12)' },
  { expression: 'SET a = 1;'.repeat(33), says: 'Expected at most 32 statements, got 33' },
];

/** Actions that cannot be worked out for a message, and what is said. */
export const failingActions: readonly { readonly expression: string; readonly says: string }[] = [
  { expression: 'SET a = 1 / 0', says: '1 / 0 divides by zero.' },
  {
    expression: "SET sys.TimeToLive = 'soon'",
    says: 'sys.TimeToLive takes a time span such as \'00:01:30\', got the string "soon".',
  },
  {
    expression: "SET sys.ScheduledEnqueueTimeUtc = 'soon'",
    says: 'sys.ScheduledEnqueueTimeUtc takes a time, got the string "soon".',
  },
  { expression: "SET a = -'x'", says: '- does not take the string "x".' },
];
