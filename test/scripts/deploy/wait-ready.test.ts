import { writeFileSync } from 'node:fs';
import { waitReady } from '../../../scripts/deploy/wait-ready';
import { runStep, startAnswering, temporaryFolder } from '../../support/deploy-steps';
import type { Answer, AnsweringApp } from '../../support/deploy-steps';

/** Waiting for a version, against an app that answers as each test has it. */

const folder = temporaryFolder();
let app: AnsweringApp | undefined;
beforeEach(() => {
  writeFileSync(folder.file('build.json'), JSON.stringify({ build: 'new', functions: ['placeOrder', 'cleanUp'] }));
});
afterEach(async () => {
  await app?.stop();
  app = undefined;
});

interface App {
  /** What each request for the version is answered with; the last one again and again. */
  readonly versions: readonly Answer[];
  readonly functions: Answer;
}
const build = (name: string): Answer => [200, { build: name }];
const listing = (...names: readonly string[]): Answer => [200, names.map((name) => ({ name }))];
const all = listing('placeOrder', 'cleanUp');

async function wait({ versions, functions }: App, args: readonly string[] = ['--within', '1']) {
  const ahead = [...versions];
  app = await startAnswering((request, _body, key): Answer => {
    const isVersion = request === 'GET /api/version';
    if (key !== (isVersion ? 'of functions' : 'of all')) return [401, ''];
    if (!isVersion) return request === 'GET /admin/functions' ? functions : [404, ''];
    const [next] = ahead.length > 1 ? ahead.splice(0, 1) : ahead;
    return next ?? [404, ''];
  });
  const keys = { FUNCTION_KEY: 'of functions', MASTER_KEY: 'of all' };
  return runStep(waitReady, ['--url', app.url, '--package', folder.path, ...args], keys);
}

describe('the step `wait-ready`', () => {
  it('is content when the new version answers with all of its functions, and with more', async () => {
    const lines = await wait({ versions: [build('new')], functions: listing('PlaceOrder', 'cleanUp', 'more') });
    expect(lines).toEqual([expect.stringMatching(/^ready: build new with all 2 functions, after [\d.]+ s$/)]);
  });

  it('waits through a restart and the last answers of the old version, and begins to count anew', async () => {
    const away: Answer = [503, 'Service Unavailable'];
    const versions = [away, away, build('old'), build('new'), build('old'), build('new')];
    const lines = await wait({ versions, functions: all }, ['--answers', '2', '--within', '20']);
    expect(lines.slice(0, -1)).toEqual([
      'not ready: its version is answered 503: Service Unavailable',
      'not ready: build old answers, expected new',
    ]);
    const asked = app?.asked.filter((request) => request.includes('version'));
    expect(asked).toHaveLength(versions.length + 1);
  });

  it.each<[string, App, string]>([
    ['nothing was loaded', { versions: [build('new')], functions: listing() }, 'no function is loaded'],
    [
      'functions are missing',
      { versions: [build('new')], functions: listing('cleanUp', 'more') },
      '1 of 2 functions are not loaded: placeOrder',
    ],
    ['the old version stays', { versions: [build('old')], functions: all }, 'build old answers, expected new'],
    ['it never starts', { versions: [[503, 'down']], functions: all }, 'its version is answered 503: down'],
    ['it has no version', { versions: [[404, '']], functions: all }, 'its version is answered 404'],
    [
      'its version is another thing',
      { versions: [[200, { build: 7 }]], functions: all },
      'its version is answered 200: {"build":7}',
    ],
    [
      'its functions are another thing',
      { versions: [build('new')], functions: [200, { value: [] }] },
      'its functions are answered 200: {"value":[]}',
    ],
  ])('gives up when %s, and says why', async (_what, other, why) => {
    await expect(wait(other)).rejects.toThrow(`was not ready within 1 s: ${why}`);
  });

  it.each([401, 403])('does not wait for a key that the host does not take (%i)', async (status) => {
    await expect(wait({ versions: [build('new')], functions: [status, ''] }, ['--within', '60'])).rejects.toThrow(
      `the host answered ${status} when asked for its functions: expected its master key`,
    );
  });

  it('gives up on an app that does not answer at all', async () => {
    const gone = await startAnswering(() => [200, '']);
    await gone.stop();
    await expect(runStep(waitReady, ['--url', gone.url, '--package', folder.path, '--within', '1'])).rejects.toThrow(
      `${gone.url} was not ready within 1 s: ${gone.url} does not answer: Error: connect ECONNREFUSED`,
    );
  });

  it.each([
    ['no JSON', '{', /^could not read .*build\.json, which `npm run package` writes: SyntaxError/],
    [
      'no build',
      '{"functions":["a"]}',
      /build\.json: expected \{"build", "functions": \["name", ...\]\}, got something else/,
    ],
    ['no function', '{"build":"a","functions":[]}', /got something else/],
  ])('needs to know what to wait for: not %s', async (_what, text, why) => {
    writeFileSync(folder.file('build.json'), text);
    await expect(wait({ versions: [build('new')], functions: all })).rejects.toThrow(why);
  });

  it.each([
    [['--within', '0'], /--within: expected a number of seconds, got '0'/],
    [['--answers', '0'], /--answers: expected a number from 1 to 99, got '0'/],
    [['--answers', 'all'], /got 'all'/],
    [['--url', 'shop'], /--url: expected the address of an app/],
    [['--package', ''], /expected --package <folder>/],
    [['--package', '/nowhere'], /could not read \/nowhere\/build\.json/],
  ])('is called rightly: %j is not', async (args, why) => {
    await expect(wait({ versions: [build('new')], functions: all }, args)).rejects.toThrow(why);
  });
});
