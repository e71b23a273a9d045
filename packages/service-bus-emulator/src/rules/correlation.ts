import type { CompiledFilter, CorrelationFilter } from './filter';
import { readApplicationProperty } from './properties';
import { RuleSyntaxError } from './rule-error';
import type { RuleMessage, RuleValue } from './rule-message';
import type { SystemProperty } from './syntax';

const systemFields = {
  contentType: 'ContentType',
  correlationId: 'CorrelationId',
  label: 'Label',
  messageId: 'MessageId',
  replyTo: 'ReplyTo',
  replyToSessionId: 'ReplyToSessionId',
  sessionId: 'SessionId',
  to: 'To',
} as const satisfies Partial<Record<keyof CorrelationFilter, SystemProperty>>;

/** All that the filter names has to be equal, text by case too, application properties by type as well. */
export function compileCorrelation(filter: CorrelationFilter): CompiledFilter {
  const tests: CompiledFilter[] = [];
  for (const [field, name] of Object.entries(systemFields)) {
    const wanted = filter[field as keyof typeof systemFields];
    if (wanted !== undefined) tests.push((message) => systemText(message, name) === wanted);
  }
  for (const [name, wanted] of Object.entries(filter.properties ?? {})) {
    const lowerCase = name.toLowerCase();
    tests.push((message) => isSame(readApplicationProperty(message, name, lowerCase), wanted));
  }
  if (tests.length === 0) {
    throw new RuleSyntaxError('Expected a correlation filter that names at least one property, got none');
  }
  return (message) => tests.every((test) => test(message));
}

/** Identifiers may be numbers or UUIDs on the wire; the filter has their text. */
function systemText(message: RuleMessage, name: SystemProperty): string | undefined {
  const value = message.system[name];
  return value === undefined || value === null ? undefined : String(value);
}

function isSame(value: RuleValue | undefined, wanted: RuleValue): boolean {
  if (value instanceof Date && wanted instanceof Date) return value.getTime() === wanted.getTime();
  if (value instanceof Uint8Array && wanted instanceof Uint8Array) return Buffer.compare(value, wanted) === 0;
  if (typeof value === 'bigint' && typeof wanted === 'number') return value === BigInt(wanted);
  return value === wanted;
}
