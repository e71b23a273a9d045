import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/*
 * What the documentation shows is cut from files that compile, and that other tests here run; what it links to is there.
 */

const root = path.join(__dirname, '..');
const read = (...parts: string[]): string => readFileSync(path.join(root, ...parts), 'utf8');
const pages = ['README.md', ...readdirSync(path.join(root, 'docs')).map((name) => `docs/${name}`)];
const sources = readdirSync(path.join(__dirname, 'docs'))
  .filter((name) => name.endsWith('.ts'))
  .map((name) => read('test/docs', name));

const blocksOf = (page: string): string[] =>
  [...read(page).matchAll(/```ts\n([\s\S]*?)```/g)].map(([, block = '']) => block);

/** Indentation is the place's in the file, not the example's. */
const flat = (code: string): string => code.replaceAll(/^ +/gm, '').trim();
const flatSources = sources.map(flat);

describe.each(pages)('%s', (page) => {
  it('has its examples from files that compile', () => {
    const foreign = blocksOf(page).filter((block) => !flatSources.some((source) => source.includes(flat(block))));
    expect(foreign).toEqual([]);
  });

  it('links to what there is', () => {
    const links = [...read(page).matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)].map(([, link = '']) => link);
    const missing = links.filter((link) => !existsSync(path.join(root, path.dirname(page), link)));
    expect(missing).toEqual([]);
  });
});

describe('the documentation', () => {
  it('shows a whole saga of at most 25 lines first', () => {
    const [first = ''] = blocksOf('README.md');
    expect(first).toBe(read('test/docs/order.ts'));
    expect(first.split('\n').filter((line) => line.trim() !== '').length).toBeLessThanOrEqual(25);
  });

  it('is reached from the README, page by page', () => {
    const readme = read('README.md');
    expect(pages.slice(1).filter((page) => !readme.includes(`](${page})`))).toEqual([]);
  });
});
