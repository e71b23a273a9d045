import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { actionRows, filterRows } from './rules/rows';

const readme = readFileSync(path.join(__dirname, '../README.md'), 'utf8');

/** Rows of tables whose last cell names a test: `file.test.ts`: title. */
const named = [...readme.matchAll(/\| `([\w/-]+\.test\.ts)`: (.+?) +\|$/gm)].map(([, file = '', title = '']) => ({
  file,
  title: title.replaceAll('\\|', '|'),
}));

function toCell(text: string): string {
  return text.replaceAll('|', '\\|');
}

function rowsBetween(mark: string): readonly string[] {
  const [, block = ''] = readme.split(`<!-- ${mark} -->`);
  return block
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| --'))
    .slice(1)
    .map((line) => line.replace(/ +\|/g, ' |').replace(/\| +/g, '| '));
}

describe('the README', () => {
  it('has a table of what is supported', () => {
    expect(named.length).toBeGreaterThan(50);
  });

  it.each(named)('names a test that is there: $file: $title', ({ file, title }) => {
    const place = path.join(__dirname, file);
    expect(existsSync(place)).toBe(true);
    const source = readFileSync(place, 'utf8');
    const quoted = [`'${title.replaceAll("'", "\\'")}'`, `"${title}"`, `\`${title}\``];
    expect(quoted.some((literal) => source.includes(literal))).toBe(true);
  });

  it('lists what SQL filters can do as it is tested, row by row', () => {
    expect(rowsBetween('filters')).toEqual(
      filterRows.map(({ title, filter, result }) => {
        const shown = typeof filter === 'string' ? filter : filter.kind === 'sql' ? filter.expression : filter.kind;
        const outcome = result === 'error' ? 'error' : result ? 'taken' : 'not taken';
        return `| ${toCell(title)} | \`${toCell(shown)}\` | ${outcome} |`;
      }),
    );
  });

  it('lists what SQL actions can do as it is tested, row by row', () => {
    expect(rowsBetween('actions')).toEqual(
      actionRows.map(({ title, action }) => `| ${toCell(title)} | \`${toCell(action)}\` |`),
    );
  });
});
