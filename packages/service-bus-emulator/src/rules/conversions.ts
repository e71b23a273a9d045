import { show, textOf } from './operators';
import { RuleEvaluationError } from './rule-error';
import type { ChangeableSystemProperty, RuleValue } from './rule-message';

/** The value that a system property takes: text for most, a Date and milliseconds for two. Null removes it. */
export function toSystemValue(name: ChangeableSystemProperty, value: RuleValue): RuleValue {
  if (value === null) return null;
  if (name === 'ScheduledEnqueueTimeUtc') return toDate(name, value);
  if (name === 'TimeToLive') return toMilliseconds(name, value);
  return textOf(value);
}

function toDate(name: string, value: Exclude<RuleValue, null>): Date {
  const date = value instanceof Date ? value : new Date(typeof value === 'string' ? value : Number.NaN);
  if (Number.isNaN(date.getTime())) throw new RuleEvaluationError(`sys.${name} takes a time, got ${show(value)}.`);
  return date;
}

/** `hh:mm:ss`, with days before a point and parts of a second behind one. */
const TIME_SPAN = /^(?:(\d+)\.)?(\d{1,2}):([0-5]\d)(?::([0-5]\d(?:\.\d{1,7})?))?$/;

function toMilliseconds(name: string, value: Exclude<RuleValue, null>): number {
  if (typeof value === 'number' && value >= 0) return value;
  const match = typeof value === 'string' ? TIME_SPAN.exec(value) : null;
  if (!match) throw new RuleEvaluationError(`sys.${name} takes a time span such as '00:01:30', got ${show(value)}.`);
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = match
    .slice(1)
    .map((part: string | undefined) => Number(part ?? 0));
  return Math.round((((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000);
}

/** SET keeps the type of a property that is there when the new value can be written in it. */
export function convertLike(existing: unknown, value: RuleValue): RuleValue {
  if (value === null || typeof existing === typeof value) return value;
  if (typeof existing === 'string') return value instanceof Uint8Array ? value : textOf(value);
  if (typeof value !== 'string') return value;
  if (typeof existing === 'number') {
    const number = value.trim() === '' ? Number.NaN : Number(value);
    return Number.isFinite(number) ? number : value;
  }
  if (typeof existing === 'boolean' && /^(?:true|false)$/i.test(value)) return value.toLowerCase() === 'true';
  return value;
}
