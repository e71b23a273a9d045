import { readFileSync, writeFileSync } from 'node:fs';
import { running } from '../../../scripts/deploy/running';
import { runStep, startAnswering, temporaryFolder } from '../../support/deploy-steps';
import type { Answer, AnsweringApp } from '../../support/deploy-steps';

/** Which build runs, asked of apps that are there, asleep, empty, of another kind or gone. */

const folder = temporaryFolder();
const output = folder.file('output');
let app: AnsweringApp | undefined;
beforeEach(() => writeFileSync(output, ''));
afterEach(async () => {
  await app?.stop();
  app = undefined;
});

async function find(answer: (request: string, key: string | undefined) => Answer, within = '5') {
  app = await startAnswering((request, _body, key) => answer(request, key));
  const environment = { GITHUB_OUTPUT: output, FUNCTION_KEY: 'of functions', MASTER_KEY: 'of all' };
  return runStep(running, ['--url', app.url, '--within', within], environment);
}
const isVersion = (request: string): boolean => request === 'GET /api/version';

describe('the step `running`', () => {
  it('tells the build, asking with the key that each question needs', async () => {
    const lines = await find((request, key) => {
      if (isVersion(request)) return key === 'of functions' ? [200, { build: 'a1b2' }] : [401, ''];
      return key === 'of all' ? [200, [{ name: 'version' }]] : [401, ''];
    });
    expect(lines).toEqual(['build a1b2 runs']);
    expect(readFileSync(output, 'utf8')).toBe('build=a1b2\n');
  });

  it('finds nothing where there is no address, or an app in which nothing was loaded', async () => {
    expect(await runStep(running, [], { GITHUB_OUTPUT: output })).toEqual(['nothing runs yet']);
    expect(await runStep(running, ['--url', ''], {})).toEqual(['nothing runs yet']);
    expect(await find(() => [200, []])).toEqual(['nothing runs yet']);
    expect(readFileSync(output, 'utf8')).toBe('build=none\nbuild=none\n');
  });

  it('waits for an app that has to wake up', async () => {
    let asked = 0;
    const lines = await find((request) => {
      asked += 1;
      if (asked < 3) return [503, 'Service Unavailable'];
      return isVersion(request) ? [200, { build: 'a1b2' }] : [200, [{ name: 'version' }]];
    });
    expect(lines).toEqual(['build a1b2 runs']);
  });

  it.each<[string, Answer]>([
    ['no version', [404, '']],
    ['a build that is no text', [200, { build: 7 }]],
    ['a build that would be two outputs', [200, { build: 'a\nskip=true' }]],
    ['a page', [200, '<html>']],
  ])('knows that something runs, whatever it is: %s', async (_what, version) => {
    expect(await find((request) => (isVersion(request) ? version : [200, [{ name: 'other' }]]))).toEqual([
      'build unknown runs',
    ]);
  });

  it.each<[Answer, RegExp]>([
    [[401, ''], /answered 401 when asked for its functions/],
    [[503, 'Service Unavailable'], /answered 503: Service Unavailable when asked for its functions/],
    [[200, { functions: [] }], /answered 200: \{"functions":\[\]\} when asked/],
  ])('takes an app that answers %j for no empty one', async (answer, why) => {
    await expect(find(() => answer, '1')).rejects.toThrow(why);
    expect(readFileSync(output, 'utf8')).toBe('');
  });

  it('takes an app that is gone for no empty one', async () => {
    const gone = await startAnswering(() => [200, []]);
    await gone.stop();
    await expect(runStep(running, ['--url', gone.url, '--within', '1'], {})).rejects.toThrow(
      `${gone.url} does not answer: Error: connect ECONNREFUSED`,
    );
  });

  it('tells of one that is down, and of no build, where its sagas are looked after otherwise', async () => {
    app = await startAnswering(() => [503, 'Service Unavailable']);
    const args = ['--url', app.url, '--within', '1', '--if-down', 'tell'];
    const lines = await runStep(running, args, { GITHUB_OUTPUT: output });
    expect(lines).toEqual([expect.stringMatching(/^::warning::\S+ answered 503: .* Its sagas can't be replayed$/)]);
    await app.stop();
    expect(await runStep(running, args, { GITHUB_OUTPUT: output })).toEqual([
      expect.stringMatching(/^::warning::\S+ does not answer: /),
    ]);
    expect(readFileSync(output, 'utf8')).toBe('');
    await expect(runStep(running, ['--url', 'shop', '--if-down', 'tell'])).rejects.toThrow("got 'shop'");
  });

  it.each([
    [['--url', 'shop'], /--url: expected the address of an app, such as .*, got 'shop'/],
    [['--url', 'ftp://shop'], /got 'ftp:\/\/shop'/],
    [['--url', 'http://shop', '--within', '0'], /--within: expected a number of seconds, got '0'/],
    [['--if-down', 'go on'], /--if-down: expected fail or tell, got 'go on'/],
    [['--app', 'shop'], /--app/],
  ])('is called rightly: %j is not', async (args, why) => {
    await expect(runStep(running, args)).rejects.toThrow(why);
  });
});
