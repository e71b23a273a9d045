/*
 * Rules as $management speaks of them: in a request a map, in an answer described lists of .NET's contracts. Both forms
 * are taken in a request, since clients differ.
 */
import { types } from 'rhea';
import type { Rule } from '../broker/entities';
import type { Filter } from '../rules/filter';
import type { RuleValue } from '../rules/rule-message';
import { RequestError } from './errors';
import { type Body, readBody, readOptionalText, readText } from './management-body';

const CODE = {
  rule: 0x0000_0137_0000_0004,
  sqlAction: 0x0000_0137_0000_0006,
  emptyAction: 0x0000_0137_0000_0005,
  sqlFilter: 0x13_7000_0006,
  trueFilter: 0x13_7000_0007,
  falseFilter: 0x13_7000_0008,
  correlationFilter: 0x13_7000_0009,
} as const;

const list = (code: number, items: readonly unknown[]): unknown =>
  types.wrap_described(
    items.map((item) => item ?? null),
    code,
  );

type CorrelationFilter = Extract<Filter, { kind: 'correlation' }>;

/** Fields of a correlation filter by their names in a request, in the order of the answer's list. */
const CORRELATION = [
  ['correlation-id', 'correlationId'],
  ['message-id', 'messageId'],
  ['to', 'to'],
  ['reply-to', 'replyTo'],
  ['label', 'label'],
  ['session-id', 'sessionId'],
  ['reply-to-session-id', 'replyToSessionId'],
  ['content-type', 'contentType'],
] as const satisfies readonly (readonly [string, keyof CorrelationFilter])[];

function encodeFilter(filter: Filter): unknown {
  switch (filter.kind) {
    case 'true':
      return list(CODE.trueFilter, []);
    case 'false':
      return list(CODE.falseFilter, []);
    case 'sql':
      return list(CODE.sqlFilter, [filter.expression, types.wrap_int(20)]);
    case 'correlation':
      return list(CODE.correlationFilter, [
        ...CORRELATION.map(([, field]) => filter[field]),
        types.wrap_map(filter.properties ?? {}),
      ]);
  }
}

/** A rule as an answer holds it. */
export const encodeRule = (rule: Rule & { readonly createdAt: number }): unknown =>
  list(CODE.rule, [
    encodeFilter(rule.filter),
    rule.action === undefined ? list(CODE.emptyAction, []) : list(CODE.sqlAction, [rule.action, types.wrap_int(20)]),
    rule.name,
    types.wrap_timestamp(rule.createdAt),
  ]);

function readProperties(body: Body): Record<string, RuleValue> {
  const properties = body['properties'];
  return properties === null || properties === undefined ? {} : (readBody(properties) as Record<string, RuleValue>);
}

function decodeFilter(description: Body): Filter {
  const sql = description['sql-filter'];
  if (sql !== null && sql !== undefined) return { kind: 'sql', expression: readText(readBody(sql), 'expression') };
  if ('true-filter' in description) return { kind: 'true' };
  if ('false-filter' in description) return { kind: 'false' };
  const correlation = description['correlation-filter'];
  if (correlation === null || correlation === undefined) {
    throw new RequestError(
      'com.microsoft:argument-error',
      400,
      'expected sql-filter, correlation-filter, true-filter or false-filter in "rule-description"',
    );
  }
  const body = readBody(correlation);
  const properties = readProperties(body);
  const filter: Record<string, unknown> = { kind: 'correlation' };
  for (const [name, field] of CORRELATION) {
    const value = readOptionalText(body, name);
    if (value !== undefined) filter[field] = value;
  }
  if (Object.keys(properties).length > 0) filter['properties'] = properties;
  return filter as unknown as CorrelationFilter;
}

/** A rule as a request describes it. */
export function decodeRule(name: string, description: Body): Rule {
  const filter = decodeFilter(description);
  const action = description['sql-rule-action'];
  if (action === null || action === undefined) return { name, filter };
  return { name, filter, action: readText(readBody(action), 'expression') };
}
