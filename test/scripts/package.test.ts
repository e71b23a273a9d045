import { execFile } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const root = path.join(__dirname, '../..');
const place = mkdtempSync(path.join(tmpdir(), 'package-'));
afterAll(() => rmSync(place, { recursive: true, force: true }));

/** A checkout somewhere else, with the same packages installed. */
const checkout = path.join(place, 'some/where/else');
const sources = ['src', 'orchestrations', 'activities', 'scripts', 'build-settings.mjs', 'host.json', 'package.json'];
for (const name of [...sources, 'local.settings.json', 'tsconfig.json'])
  cpSync(path.join(root, name), path.join(checkout, name), { recursive: true });
symlinkSync(path.join(root, 'node_modules'), path.join(checkout, 'node_modules'));

async function pack(from: string, out: string, options: { TZ?: string; args?: readonly string[] } = {}): Promise<void> {
  const args = [path.join(from, 'scripts/package.mjs'), '--out', path.join(place, out), '--runs', '0'];
  await promisify(execFile)(process.execPath, [...args, ...(options.args ?? [])], {
    cwd: place,
    env: { ...process.env, TZ: options.TZ },
  });
}

/** Path in the folder -> content. */
function contents(out: string): ReadonlyMap<string, Buffer> {
  const folder = path.join(place, out);
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  const files = names.filter((name) => statSync(path.join(folder, name)).isFile());
  return new Map(files.map((name) => [name, readFileSync(path.join(folder, name))]));
}

describe('the package', () => {
  beforeAll(async () => {
    await pack(root, 'one', { TZ: 'UTC' });
    await pack(checkout, 'two', { TZ: 'Asia/Tokyo' });
  }, 120_000);

  it('is the same, byte by byte, from another folder in another time zone', () => {
    const [one, two] = [contents('one'), contents('two')];
    expect([...one.keys()]).toEqual([...two.keys()]);
    expect([...one].filter(([name, content]) => two.get(name)?.equals(content) !== true).map(([name]) => name)).toEqual(
      [],
    );
  });

  it('tells nobody where it was made, and has no test, no settings and nothing that would be installed', () => {
    const one = contents('one');
    expect([...one.keys()].filter((name) => /test|settings|node_modules|lock/.test(name))).toEqual([]);
    for (const [name, content] of one) {
      const text = content.toString('latin1');
      expect({ name, at: [root, place, 'sk_test_local'].filter((secret) => text.includes(secret)) }).toEqual({
        name,
        at: [],
      });
    }
    expect(Object.keys(JSON.parse(String(one.get('app/package.json'))) as object).sort()).toEqual([
      'engines',
      'license',
      'main',
      'name',
      'private',
      'type',
      'version',
    ]);
  });

  it('can load each of its files, those for later too', async () => {
    const dist = path.join(place, 'one/app/dist');
    const files = readdirSync(dist).filter((name) => name.endsWith('.js') && name !== 'app.js');
    expect(files.length).toBeGreaterThan(5);
    const load = `for (const name of ${JSON.stringify(files)}) try { require('./' + name); } catch (error) { console.log(name + ': ' + error.message); }`;
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', load], { cwd: dist });
    expect(stdout).toBe('');
  });

  it('has a map for each of its files, to the sources of the repository', () => {
    const one = contents('one');
    const code = [...one.keys()].filter((name) => name.endsWith('.js') && !name.endsWith('mapped-stacks.js'));
    expect(code.length).toBeGreaterThan(5);
    for (const name of code) {
      const { sources: from } = JSON.parse(String(one.get(`${name}.map`))) as { sources: string[] };
      // Packages bring maps of their own, to sources that they don't always ship.
      const own = from.filter(
        (file) => file !== path.basename(name) && !/:|node_modules\/(?!durable-saga\/)/.test(file),
      );
      const files = own.map((file) => path.join(root, 'dist', file));
      expect(files.filter((file) => !existsSync(file))).toEqual([]);
    }
    const { sources: from } = JSON.parse(String(one.get('app/dist/app.js.map'))) as { sources: string[] };
    expect(from).toContain('../orchestrations/place-order.ts');
  });
});

it('shows stacks with the places of the sources', async () => {
  const program = `require('./mapped-stacks.js');
    try { require('./validator.js').default.isURL(5); } catch (error) { console.log(error.stack); }`;
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', program], {
    cwd: path.join(place, 'one/app/dist'),
  });
  expect(stdout).toMatch(/^TypeError: Expected a string but received a Number\n/);
  expect(stdout).toMatch(/at Object\.isURL \(\S*node_modules\/validator\/\S*isURL\.js:\d+:\d+\)/);
  expect(stdout).not.toContain('dist/validator.js:');
});

it('that is too heavy is refused, with what has grown', async () => {
  await pack(checkout, 'kept', { args: ['--keep-sizes'] });
  const file = path.join(checkout, 'scripts/package/size-budget.json');
  const kept = JSON.parse(readFileSync(file, 'utf8')) as { packages: Record<string, number> };
  const { stripe = 0, zod: _, ...packages } = kept.packages;
  writeFileSync(file, JSON.stringify({ zipBytes: 1000, packages: { ...packages, stripe: stripe - 500 } }));
  const refused = pack(checkout, 'heavy');
  await expect(refused).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(
      /size-budget\.json allows 1000\.[^]*zod: \d+ bytes, new[^]*stripe: \d+ bytes, 500 more/,
    ),
  });
}, 60_000);
