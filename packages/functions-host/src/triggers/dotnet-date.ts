/** Tokens of .NET's custom date formats; everything else stands for itself. */
const token =
  /'([^']*)'|"([^"]*)"|\\(.)|d{1,4}|f{1,7}|F{1,7}|h{1,2}|H{1,2}|K|m{1,2}|M{1,4}|s{1,2}|t{1,2}|y{1,5}|z{1,3}/g;

const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const months = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August'].concat(
  ...['September', 'October', 'November', 'December'],
);

/**
 * Writes a time, in UTC and English, by a .NET custom date format such as `yyyy-MM-dd`.
 * @param at milliseconds since the Unix epoch.
 */
export function formatDate(at: number, format: string): string {
  const date = new Date(at);
  return format.replace(token, (found: string, single?: string, double?: string, escaped?: string) => {
    const literal = single ?? double ?? escaped;
    return literal ?? formatToken(date, found);
  });
}

function formatToken(date: Date, found: string): string {
  const padded = (value: number): string => String(value).padStart(Math.min(found.length, 2), '0');
  switch (found[0]) {
    case 'y':
      return found.length <= 2
        ? padded(date.getUTCFullYear() % 100)
        : String(date.getUTCFullYear()).padStart(found.length, '0');
    case 'M':
      return found.length <= 2 ? padded(date.getUTCMonth() + 1) : named(months, date.getUTCMonth(), found.length);
    case 'd':
      return found.length <= 2 ? padded(date.getUTCDate()) : named(days, date.getUTCDay(), found.length);
    case 'H':
      return padded(date.getUTCHours());
    case 'h':
      return padded(date.getUTCHours() % 12 || 12);
    case 'm':
      return padded(date.getUTCMinutes());
    case 's':
      return padded(date.getUTCSeconds());
    case 't':
      return (date.getUTCHours() < 12 ? 'AM' : 'PM').slice(0, found.length);
    case 'f':
    case 'F':
      return formatFraction(date.getUTCMilliseconds(), found);
    case 'K':
      return 'Z';
    default:
      return found === 'z' ? '+0' : found === 'zz' ? '+00' : '+00:00';
  }
}

function named(names: readonly string[], at: number, length: number): string {
  const name = names[at] ?? '';
  return length === 3 ? name.slice(0, 3) : name;
}

/** A clock of milliseconds has three digits; with capitals zeros at the end are left out. */
function formatFraction(ms: number, found: string): string {
  const digits = String(ms).padStart(3, '0').padEnd(7, '0').slice(0, found.length);
  return found.startsWith('F') ? digits.replace(/0+$/, '') : digits;
}
