import { isShorterThanMinute, parseSchedule } from '../../src/triggers/schedule';

const next = (text: string, after: string, timeZone?: string) =>
  new Date(parseSchedule(text, timeZone).next(Date.parse(after))).toISOString();

describe('timer schedules', () => {
  it.each([
    ['0 0 2 * * *', '2026-11-21T08:00:00.000Z', '2026-11-22T02:00:00.000Z'],
    ['0 0 2 * * *', '2026-11-21T02:00:00.000Z', '2026-11-22T02:00:00.000Z'],
    ['0 0 2 * * *', '2026-11-21T01:59:59.999Z', '2026-11-21T02:00:00.000Z'],
    ['*/30 * * * * *', '2026-11-21T08:00:00.001Z', '2026-11-21T08:00:30.000Z'],
    ['*/5 * * * *', '2026-11-21T08:01:00.000Z', '2026-11-21T08:05:00.000Z'],
    ['0 5/15 * * * *', '2026-11-21T08:06:00.000Z', '2026-11-21T08:20:00.000Z'],
    ['0 0 9-17/4 * * Mon-Fri', '2026-11-20T17:00:00.000Z', '2026-11-23T09:00:00.000Z'],
    ['0 0 0 1 January *', '2026-11-21T00:00:00.000Z', '2027-01-01T00:00:00.000Z'],
    ['0 0 0 29 2 *', '2026-11-21T00:00:00.000Z', '2028-02-29T00:00:00.000Z'],
    ['0 30 8 * * 0,SAT', '2026-11-20T00:00:00.000Z', '2026-11-21T08:30:00.000Z'],
    ['00:05:00', '2026-11-21T08:01:07.000Z', '2026-11-21T08:06:07.000Z'],
    ['1.00:00:00', '2026-11-21T08:00:00.000Z', '2026-11-22T08:00:00.000Z'],
  ])('%s after %s is %s', (text, after, expected) => {
    expect(next(text, after)).toBe(expected);
  });

  it('wants both day fields to fit when both are restricted, unlike usual cron', () => {
    expect(next('0 0 0 13 * Fri', '2026-03-14T00:00:00.000Z')).toBe('2026-11-13T00:00:00.000Z');
    expect(next('0 0 0 29 Feb Sun', '2026-01-01T00:00:00.000Z')).toBe('2032-02-29T00:00:00.000Z');
  });

  it('reads the fields in the time zone it is given, over the change to summer time', () => {
    expect(next('0 0 2 * * *', '2026-03-27T12:00:00.000Z', 'Europe/Berlin')).toBe('2026-03-28T01:00:00.000Z');
    expect(next('0 0 4 * * *', '2026-03-28T12:00:00.000Z', 'Europe/Berlin')).toBe('2026-03-29T02:00:00.000Z');
  });

  it('knows schedules that fire more than once a minute', () => {
    const now = Date.parse('2026-11-21T08:00:00.000Z');
    expect(isShorterThanMinute(parseSchedule('*/30 * * * * *'), now)).toBe(true);
    expect(isShorterThanMinute(parseSchedule('0 * * * * *'), now)).toBe(false);
    expect(isShorterThanMinute(parseSchedule('00:00:59'), now)).toBe(true);
  });

  it.each([
    ['* * *', 'must have six fields'],
    ['60 * * * * *', 'field 1 (second) must be *, a value from 0 to 59'],
    ['0 0 0 * * 7', 'field 6 (day of week)'],
    ['0 0 0 L * *', 'field 4 (day)'],
    ['0 0 0 ? * *', 'field 4 (day)'],
    ['0 0 0 * Foo *', 'field 5 (month)'],
    ['0 */0 * * * *', 'field 2 (minute)'],
    ['0 0 17-9 * * *', 'field 3 (hour)'],
    ['00:00:00', 'an interval must be above 0'],
    ['every hour', 'must have six fields'],
  ])('refuses %s and says what was expected', (text, message) => {
    expect(() => parseSchedule(text)).toThrow(message);
  });

  it.each(['Mars/Olympus', 'Eastern Standard Time'])('refuses %s, which is no IANA name of a time zone', (zone) => {
    expect(() => parseSchedule('0 0 3 * * *', zone)).toThrow(
      `setting WEBSITE_TIME_ZONE must be an IANA name such as Europe/Berlin, as on Azure's Linux plans; got '${zone}'.`,
    );
  });

  it('refuses a date that no calendar has', () => {
    expect(() => next('0 0 0 31 2 *', '2026-01-01T00:00:00.000Z')).toThrow();
  });
});
