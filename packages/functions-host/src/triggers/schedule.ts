import { CronExpressionParser } from 'cron-parser';
import { parseTimeSpan } from './time-span';

/** When a timer trigger fires. Times are milliseconds since the Unix epoch. */
export interface Schedule {
  /** The first occurrence strictly after `after`. */
  next(after: number): number;
  /** A constant interval instead of times of the day. */
  readonly isInterval: boolean;
}

/** Fields of NCRONTAB in order, with what a field may hold. */
const fieldNames = ['second', 'minute', 'hour', 'day', 'month', 'day of week'] as const;
const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
interface Limit {
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}

const limits: readonly Limit[] = [
  { min: 0, max: 59 },
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: months },
  { min: 0, max: 6, names: weekdays },
];

/**
 * Reads the schedule of a timer trigger: NCRONTAB with six fields (`second minute hour day month day-of-week`), with five
 * (the second is 0 then), or a time span `hh:mm:ss`.
 * @param timeZone IANA name in which the fields are meant.
 * @throws Error saying which field is wrong, what it may hold and what came, or that the time zone is none.
 */
export function parseSchedule(text: string, timeZone = 'UTC'): Schedule {
  checkTimeZone(timeZone);
  const interval = parseTimeSpan(text);
  if (interval !== undefined) {
    if (interval <= 0) throw new Error(`schedule '${text}': an interval must be above 0.`);
    return { isInterval: true, next: (after) => after + interval };
  }
  const fields = text.trim().split(/\s+/);
  if (fields.length === 5) fields.unshift('0');
  if (fields.length !== 6) {
    throw new Error(
      `schedule '${text}' must have six fields ({second} {minute} {hour} {day} {month} {day of week}), five without seconds, or be a time span hh:mm:ss.`,
    );
  }
  const normalised = limits.map((limit, at) => normaliseField(fields[at] ?? '', limit, at, text));
  return { isInterval: false, next: toNext(normalised, text, timeZone) };
}

function checkTimeZone(name: string): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
  } catch {
    throw new Error(
      `setting WEBSITE_TIME_ZONE must be an IANA name such as Europe/Berlin, as on Azure's Linux plans; got '${name}'.`,
    );
  }
}

/** True if occurrences can be less than a minute apart; such schedules are not kept over restarts unless asked for. */
export function isShorterThanMinute(schedule: Schedule, now: number): boolean {
  const first = schedule.next(now);
  return schedule.next(first) - first < 60_000;
}

/** Checks one field by NCRONTAB's own grammar, which is smaller than the parser's, and turns names into numbers. */
function normaliseField(field: string, limit: Limit, at: number, text: string): string {
  const fail = (): never => {
    const names = limit.names === undefined ? '' : ` or a name such as ${limit.names.slice(0, 2).join(', ')}`;
    throw new Error(
      `schedule '${text}': field ${at + 1} (${fieldNames[at] ?? ''}) must be *, a value from ${limit.min} to ${limit.max}${names}, ` +
        `a range a-b, a list of those, each with an optional /step; got '${field}'.`,
    );
  };
  const toValue = (value: string): number => {
    const named = limit.names?.findIndex((name) => value.length >= 3 && isNameOf(value.toLowerCase(), name)) ?? -1;
    const number = /^\d+$/.test(value) ? Number(value) : named >= 0 ? named + (limit.min === 1 ? 1 : 0) : fail();
    return number >= limit.min && number <= limit.max ? number : fail();
  };
  return field
    .split(',')
    .map((part) => {
      const match = /^(?:\*|(\w+)(?:-(\w+))?)(?:\/(\d+))?$/.exec(part) ?? fail();
      const [, from, to, step] = match;
      if (step !== undefined && Number(step) < 1) fail();
      const suffix = step === undefined ? '' : `/${step}`;
      if (from === undefined) return `*${suffix}`;
      const first = toValue(from);
      if (to === undefined) return step === undefined ? String(first) : `${first}-${limit.max}${suffix}`;
      const last = toValue(to);
      return last < first ? fail() : `${first}-${last}${suffix}`;
    })
    .join(',');
}

/** `jan` and `january` name January, `janu` does not. */
function isNameOf(value: string, short: string): boolean {
  const full = [
    ...['january', 'february', 'march', 'april', 'may', 'june', 'july', 'august'],
    ...['september', 'october', 'november', 'december'],
    ...['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'],
  ];
  return value === short || (value.startsWith(short) && full.includes(value));
}

/** No calendar needs more tries: 29 February on one weekday comes round within 40 years, and days are skipped whole. */
const maxTries = 366;

/**
 * In NCRONTAB a day must satisfy both of its fields, in usual cron either; so when both are restricted the weekday is
 * checked here, day by day.
 */
function toNext(fields: readonly string[], text: string, tz: string): (after: number) => number {
  const bothRestricted = fields[3] !== '*' && fields[5] !== '*';
  const expression = [...fields.slice(0, 5), bothRestricted ? '*' : fields[5]].join(' ');
  const weekdaysAllowed = bothRestricted
    ? new Set(
        CronExpressionParser.parse(`0 0 0 * * ${fields[5] ?? '*'}`)
          .fields.dayOfWeek.values.map(Number)
          .map((day) => day % 7),
      )
    : undefined;
  return (after) => {
    const dates = CronExpressionParser.parse(expression, { currentDate: new Date(after), tz });
    for (let tries = 0; tries < maxTries; tries++) {
      const date = dates.next();
      if (weekdaysAllowed === undefined || weekdaysAllowed.has(date.getDay())) return date.getTime();
      date.setEndOfDay();
      dates.reset(date);
    }
    throw new Error(`schedule '${text}' never occurs.`);
  };
}
