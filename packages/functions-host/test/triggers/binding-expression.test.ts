import { parseTemplate } from '../../src/triggers/binding-expression';
import { formatDate } from '../../src/triggers/dotnet-date';
import { createManualClock } from '../support/manual-clock';

const clock = createManualClock('2026-03-04T05:06:07.089Z');
const fill = (text: string, data: Record<string, unknown> = {}): string =>
  parseTemplate(text, `text '${text}'`).fill(data, clock);

describe('a binding expression', () => {
  it('takes values of the trigger, nested ones by dots, without regard to case', () => {
    const data = { queueTrigger: 'm', Order: { Id: 7, ok: true }, rank: 0 };
    expect(fill('{QueueTrigger}/{order.id}-{order.ok}.{rank}', data)).toBe('m/7-true.0');
  });

  it('keeps doubled braces as braces, and knows when there is nothing to fill', () => {
    expect(fill('a{{b}}')).toBe('a{b}');
    expect(parseTemplate('a{{b}}', 't').isConstant).toBe(true);
    expect(parseTemplate('a{b}', 't').isConstant).toBe(false);
  });

  it.each([
    ['{rand-guid}', /^[0-9a-f]{8}-[0-9a-f-]{27}$/],
    ['{sys.randguid}', /^[0-9a-f]{8}-[0-9a-f-]{27}$/],
    ['{rand-guid:N}', /^[0-9a-f]{32}$/],
    ['{rand-guid:B}', /^\{[0-9a-f-]{36}\}$/],
  ])('makes a new id for each use of %s', (text, shape) => {
    expect(fill(text)).toMatch(shape);
    expect(fill(text)).not.toBe(fill(text));
  });

  it.each([
    ['{datetime}', '2026-03-04T05-06-07Z'],
    ['{DateTime:yyyy-MM-dd}', '2026-03-04'],
    ['logs/{datetime:yyyy}/{datetime:MM}/{sys.utcnow:HH-mm-ss.fff}', 'logs/2026/03/05-06-07.089'],
  ])('writes the time for %s', (text, expected) => {
    expect(fill(text)).toBe(expected);
  });

  it("lets a trigger's own value of such a name win", () => {
    expect(fill('{datetime}', { datetime: 'mine' })).toBe('mine');
  });

  it.each([
    ['{id}', "text '{id}': the trigger gave no value for '{id}'; it gave name."],
    ['{rand-guid:Q}', "text '{rand-guid:Q}': 'Q' is no format for '{rand-guid}'."],
    ['a{b', "text 'a{b' has a '{' that is not closed by '}'."],
    ['a}b', "text 'a}b' has a '}' without a '{' before it."],
    ['{}', "text '{}' has a '{' that is not closed by '}'."],
  ])('refuses %s', (text, message) => {
    expect(() => fill(text, { name: 'x', tags: [] })).toThrow(message);
  });
});

describe('a .NET date format', () => {
  it.each([
    ['dddd, d MMMM yyyy', 'Wednesday, 4 March 2026'],
    ['ddd dd MMM yy', 'Wed 04 Mar 26'],
    ["yyyy'y'MM\\h", '2026y03h'],
    ['h:mm tt', '5:06 AM'],
    ['yyyy-MM-ddTHH:mm:ss.fffffffzzz', '2026-03-04T05:06:07.0890000+00:00'],
    ['ss.FFFFF', '07.089'],
  ])('is read as .NET reads it: %s', (format, expected) => {
    expect(formatDate(clock.now(), format)).toBe(expected);
  });
});
