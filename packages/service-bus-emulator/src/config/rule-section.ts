import type { Rule } from '../broker/entities';
import { compileAction } from '../rules/action';
import { compileFilter, type CorrelationFilter, type Filter } from '../rules/filter';
import { RuleSyntaxError } from '../rules/rule-error';
import { came } from './findings';
import type { Section } from './section';

type CorrelationField = Exclude<keyof CorrelationFilter, 'kind' | 'properties'>;

const correlationKeys: Readonly<Record<string, CorrelationField>> = {
  ContentType: 'contentType',
  CorrelationId: 'correlationId',
  Label: 'label',
  MessageId: 'messageId',
  ReplyTo: 'replyTo',
  ReplyToSessionId: 'replyToSessionId',
  SessionId: 'sessionId',
  To: 'to',
};

/** A rule, its filter and action tried out; undefined, with errors, when something is wrong. */
export function readRule(section: Section): Rule | undefined {
  section.know('Name', 'Properties');
  const name = section.name(50);
  const properties = section.required('Properties');
  if (!properties) return undefined;
  properties.know('FilterType', 'CorrelationFilter', 'SqlFilter', 'Action');
  const filter = readFilter(properties);
  const action = readAction(properties);
  if (name === undefined || !filter) return undefined;
  return { name, filter, ...(action === undefined ? {} : { action }) };
}

function readFilter(properties: Section): Filter | undefined {
  const type = properties.value('FilterType');
  if (type === 'Correlation') return readCorrelation(properties.required('CorrelationFilter'));
  if (type === 'Sql') return readSql(properties.required('SqlFilter'));
  properties.error('FilterType', `expected "Correlation" or "Sql", got ${came(type)}.`);
  return undefined;
}

function readSql(section: Section | undefined): Filter | undefined {
  section?.know('SqlExpression');
  const expression = section?.requiredText('SqlExpression');
  if (section === undefined || expression === undefined) return undefined;
  const filter: Filter = { kind: 'sql', expression };
  return tried(section, 'SqlExpression', () => compileFilter(filter)) ? filter : undefined;
}

function readAction(properties: Section): string | undefined {
  const section = properties.section('Action');
  section?.know('SqlExpression');
  const expression = section?.requiredText('SqlExpression');
  if (section === undefined || expression === undefined) return undefined;
  return tried(section, 'SqlExpression', () => compileAction(expression)) ? expression : undefined;
}

function readCorrelation(section: Section | undefined): Filter | undefined {
  if (!section) return undefined;
  section.know(...Object.keys(correlationKeys), 'Properties');
  const fields: Partial<Record<CorrelationField, string>> = {};
  for (const [key, field] of Object.entries(correlationKeys)) {
    const value = section.text(key);
    if (value !== undefined) fields[field] = value;
  }
  const properties = readCorrelationProperties(section.section('Properties'));
  const named = Object.keys(fields).length + Object.keys(properties).length;
  if (named > 0) return { kind: 'correlation', ...fields, properties };
  if (section.keys.every((key) => section.value(key) === undefined || key === 'Properties')) {
    section.error(
      'Properties',
      `expected at least one of ${Object.keys(correlationKeys).join(', ')}, Properties, got none.`,
    );
  }
  return undefined;
}

function readCorrelationProperties(section: Section | undefined): Record<string, string | number | boolean> {
  const properties: Record<string, string | number | boolean> = {};
  for (const key of section?.keys ?? []) {
    const value = section?.value(key);
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') properties[key] = value;
    else section?.error(key, `expected a text, a number, true or false, got ${came(value)}.`);
  }
  return properties;
}

function tried(section: Section, key: string, compile: () => unknown): boolean {
  try {
    compile();
    return true;
  } catch (error) {
    if (!(error instanceof RuleSyntaxError)) throw error;
    section.error(key, `${error.message}: ${came(section.value(key))}.`);
    return false;
  }
}
