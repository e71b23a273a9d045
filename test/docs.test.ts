import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/*
 * What the guides show of tests is cut from tests that run.
 */

const root = path.join(__dirname, '..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');
/** Indentation is the place's in the file, not the example's. */
const flat = (code: string): string => code.replaceAll(/^ +/gm, '').trim();
const testsIn = (folder: string): string[] =>
  readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => flat(read(path.join(folder, name))));
const tests = ['test', 'packages/functions-host/test', 'packages/durable-saga/test'].flatMap(testsIn);

describe.each([
  ['docs/testing-sagas.md', /(?:)/],
  ['packages/functions-host/README.md', /createTestHost/],
])('%s', (page, wanted) => {
  it('has its examples from tests', () => {
    const blocks = [...read(page).matchAll(/```ts\n([\s\S]*?)```/g)].map(([, block = '']) => block);
    const examples = blocks.filter((block) => wanted.test(block));
    expect(examples.length).toBeGreaterThan(0);
    expect(examples.filter((example) => !tests.some((test) => test.includes(flat(example))))).toEqual([]);
  });
});
