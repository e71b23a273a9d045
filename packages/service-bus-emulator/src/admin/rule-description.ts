import type { Rule } from '../broker/entities';
import type { CorrelationFilter, Filter } from '../rules/filter';
import type { RuleValue } from '../rules/rule-message';
import { AdminError } from './admin-error';
import { childrenOf, listOf, textOf, toTime, type XmlChildren, type XmlElement } from './atom';

const SCHEMA = 'http://www.w3.org/2001/XMLSchema';

/** The properties of a correlation filter, by the names of their elements. */
const CORRELATED = {
  CorrelationId: 'correlationId',
  MessageId: 'messageId',
  To: 'to',
  ReplyTo: 'replyTo',
  Label: 'label',
  SessionId: 'sessionId',
  ReplyToSessionId: 'replyToSessionId',
  ContentType: 'contentType',
} as const;

/** Reads a rule; `where` is what it is called in errors. Whether an expression can be used, the broker says. */
export function readRule(name: string, fields: XmlChildren, where = 'RuleDescription'): Rule {
  const filter = fields['Filter'] === undefined ? ({ kind: 'true' } as const) : readFilter(fields['Filter'], where);
  const action = childrenOf(fields['Action']);
  const expression = textOf(action['SqlExpression']);
  if (!expression) return { name, filter };
  const parameters = readValues(action['Parameters'], `${where}/Action/Parameters`);
  return { name, filter, action: expression, ...(parameters && { actionParameters: parameters }) };
}

function readFilter(element: XmlElement | readonly XmlElement[], where: string): Filter {
  const filter = childrenOf(element);
  const kind = textOf(filter['@type']);
  switch (kind) {
    case 'TrueFilter':
      return { kind: 'true' };
    case 'FalseFilter':
      return { kind: 'false' };
    case 'SqlFilter': {
      const expression = textOf(filter['SqlExpression']);
      if (!expression) throw refuse(`${where}/Filter/SqlExpression`, 'an expression', expression ?? 'nothing');
      const parameters = readValues(filter['Parameters'], `${where}/Filter/Parameters`);
      return { kind: 'sql', expression, ...(parameters && { parameters }) };
    }
    case 'CorrelationFilter':
      return readCorrelation(filter, where);
    case undefined:
    default:
      throw refuse(
        `${where}/Filter type`,
        'SqlFilter, CorrelationFilter, TrueFilter or FalseFilter',
        kind ?? 'nothing',
      );
  }
}

function readCorrelation(filter: XmlChildren, where: string): CorrelationFilter {
  const named = Object.entries(CORRELATED).flatMap(([element, property]) => {
    const text = textOf(filter[element]);
    return text === undefined || text === '' ? [] : [[property, text]];
  });
  const properties = readValues(filter['Properties'], `${where}/Filter/Properties`);
  if (named.length === 0 && properties === undefined) {
    throw refuse(`${where}/Filter`, 'at least one property to compare', 'none');
  }
  const compared = Object.fromEntries(named) as Omit<CorrelationFilter, 'kind' | 'properties'>;
  return { kind: 'correlation', ...compared, ...(properties && { properties }) };
}

/** Names and values with their types; undefined when there are none. */
function readValues(element: XmlElement | readonly XmlElement[] | undefined, where: string) {
  const pairs = listOf(childrenOf(element)['KeyValueOfstringanyType']);
  if (pairs.length === 0) return undefined;
  const values: Record<string, RuleValue> = {};
  for (const pair of pairs) {
    const { Key: key, Value: value } = childrenOf(pair);
    const name = textOf(key);
    if (!name) throw refuse(`${where}/Key`, 'a name', 'nothing');
    values[name] = readValue(value, `${where}/${name}`);
  }
  return values;
}

function readValue(element: XmlElement | readonly XmlElement[] | undefined, where: string): RuleValue {
  const type = textOf(childrenOf(element)['@type'])?.replace(/^.*:/, '');
  const text = textOf(element) ?? '';
  switch (type) {
    case 'string':
    case 'char':
    case 'guid':
    case 'anyURI':
    case undefined:
      return text;
    case 'boolean':
      return text.trim() === 'true' || text.trim() === '1';
    case 'dateTime':
    case 'DateTimeOffset': {
      const time = Date.parse(text);
      if (Number.isNaN(time)) throw refuse(where, 'a time', text);
      return new Date(time);
    }
    case 'int':
    case 'long':
    case 'short':
    case 'byte':
    case 'unsignedByte':
    case 'unsignedShort':
    case 'unsignedInt':
    case 'unsignedLong':
    case 'float':
    case 'double':
    case 'decimal':
      return readNumber(text.trim(), where);
    default:
      throw refuse(where, 'a text, a number, a boolean or a time', type);
  }
}

function readNumber(text: string, where: string): number | bigint {
  const number = Number(text);
  if (text === '' || Number.isNaN(number)) throw refuse(where, 'a number', text);
  return /^[+-]?\d+$/.test(text) && !Number.isSafeInteger(number) ? BigInt(text) : number;
}

/** Writes a rule as its RuleDescription's fields. */
export function describeRule(rule: Rule & { readonly createdAt: number }): XmlChildren {
  return {
    Filter: writeFilter(rule.filter),
    Action:
      rule.action === undefined
        ? { '@i:type': 'EmptyRuleAction' }
        : {
            '@i:type': 'SqlRuleAction',
            SqlExpression: rule.action,
            CompatibilityLevel: '20',
            ...writeValues('Parameters', rule.actionParameters),
          },
    CreatedAt: toTime(rule.createdAt),
    Name: rule.name,
  };
}

function writeFilter(filter: Filter): XmlChildren {
  switch (filter.kind) {
    case 'true':
      return { '@i:type': 'TrueFilter', SqlExpression: '1=1', CompatibilityLevel: '20' };
    case 'false':
      return { '@i:type': 'FalseFilter', SqlExpression: '1=0', CompatibilityLevel: '20' };
    case 'sql':
      return {
        '@i:type': 'SqlFilter',
        SqlExpression: filter.expression,
        CompatibilityLevel: '20',
        ...writeValues('Parameters', filter.parameters),
      };
    case 'correlation':
      return {
        '@i:type': 'CorrelationFilter',
        ...Object.fromEntries(
          Object.entries(CORRELATED).flatMap(([element, property]) => {
            const text = filter[property];
            return text === undefined ? [] : [[element, text]];
          }),
        ),
        ...writeValues('Properties', filter.properties),
      };
  }
}

function writeValues(element: string, values: Readonly<Record<string, RuleValue>> | undefined): XmlChildren {
  if (values === undefined) return {};
  const pairs = Object.entries(values).map(([Key, value]) => ({ Key, Value: writeValue(value) }));
  return { [element]: { KeyValueOfstringanyType: pairs } };
}

/** One client knows a type only by a prefix of four characters. */
function writeValue(value: RuleValue): XmlChildren {
  const typed = (type: string, text: string): XmlChildren => ({
    '@i:type': `d6p1:${type}`,
    '@xmlns:d6p1': SCHEMA,
    '#text': text,
  });
  if (value === null) return { '@i:nil': 'true' };
  if (value instanceof Date) return typed('dateTime', value.toISOString());
  if (value instanceof Uint8Array) return typed('base64Binary', Buffer.from(value).toString('base64'));
  if (typeof value === 'string') return typed('string', value);
  if (typeof value === 'boolean') return typed('boolean', String(value));
  if (typeof value === 'bigint') return typed('long', String(value));
  return typed(isInt(value) ? 'int' : 'double', String(value));
}

function isInt(value: number): boolean {
  return Number.isInteger(value) && Math.abs(value) < 2 ** 31;
}

function refuse(where: string, expected: string, got: string): AdminError {
  return new AdminError(400, `${where}: expected ${expected}, got ${JSON.stringify(got)}.`, 40000);
}
