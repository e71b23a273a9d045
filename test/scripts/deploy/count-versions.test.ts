import { readFileSync, writeFileSync } from 'node:fs';
import { countVersions } from '../../../scripts/deploy/count-versions';
import { runStep, startAnswering, temporaryFolder } from '../../support/deploy-steps';
import type { AnsweringApp } from '../../support/deploy-steps';

/** Counts of running sagas, from the management API's list of them. */

const folder = temporaryFolder();
let app: AnsweringApp | undefined;
afterEach(async () => {
  await app?.stop();
  app = undefined;
});

interface Listed {
  readonly name: string;
  readonly customStatus?: unknown;
  readonly runtimeStatus?: string;
}
const running = (name: string, version?: unknown): Listed => ({
  name,
  runtimeStatus: 'Running',
  customStatus: version === undefined ? null : { version },
});

async function count(listed: unknown, args: readonly string[] = [], environment = {}) {
  app = await startAnswering((request) => [
    request.includes('/runtime/webhooks/durabletask/instances?') ? 200 : 404,
    listed,
  ]);
  return runStep(countVersions, ['--url', app.url, ...args], environment);
}

describe('the step `count-versions`', () => {
  it('counts by saga and version, of all pages what has not ended', async () => {
    const listed = [
      running('placeOrder', '2'),
      running('placeOrder', '2'),
      running('placeOrder', '10 beta'),
      running('returnOrder'),
      running('returnOrder', 7),
    ].map((one, index) => ({ instanceId: `i${index}`, ...one }));
    const summary = folder.file('summary');
    const lines = await count(listed, ['--save', folder.file('counts')], { GITHUB_STEP_SUMMARY: summary });
    expect(lines.join('\n').split('\n')).toEqual([
      'Running sagas',
      '  saga\tversion\tinstances',
      '  placeOrder\t10 beta\t1',
      '  placeOrder\t2\t2',
      '  returnOrder\t(none shown)\t2',
    ]);
    expect(JSON.parse(readFileSync(folder.file('counts'), 'utf8'))).toEqual({
      'placeOrder 2': 2,
      'placeOrder 10 beta': 1,
      'returnOrder (none shown)': 2,
    });
    expect(readFileSync(summary, 'utf8')).toContain('| placeOrder | 2 | 2 |');
  });

  it('shows what has grown, come and gone beside what was before', async () => {
    writeFileSync(folder.file('before'), JSON.stringify({ 'placeOrder 1': 3, 'placeOrder 2': 1 }));
    const listed = ['2', '2', '3'].map((version, index) => ({
      instanceId: `i${index}`,
      ...running('placeOrder', version),
    }));
    const lines = await count(listed, ['--before', folder.file('before')]);
    expect(lines.join('\n').split('\n')).toEqual([
      'Running sagas, before and after',
      '  saga\tversion\tbefore\tafter',
      '  placeOrder\t1\t3\t0',
      '  placeOrder\t2\t1\t2',
      '  placeOrder\t3\t0\t1',
    ]);
  });

  it('says that there are none', async () => {
    expect((await count([])).join('\n')).toContain('(none)\t\t0');
    await app?.stop();
    expect((await count([], ['--before', folder.file('never written')])).join('\n')).toContain('(none)\t\t0');
  });

  it('asks again while the host is away for a moment', async () => {
    let asked = 0;
    app = await startAnswering(() => {
      asked += 1;
      return asked < 3 ? [503, 'Service Unavailable'] : [200, []];
    });
    expect(await runStep(countVersions, ['--url', app.url])).toHaveLength(1);
  });

  it.each([
    [404, '', /^could not count the instances: .* there is no management API of durable functions at/],
    [401, '', /^could not count the instances: .*answered 401.*the system key 'durabletask_extension'/],
    [500, '', /^could not count the instances: .*answered 500 when it was asked for its instances$/],
    [200, { value: [] }, /^could not count the instances: expected a list of instances, got something else$/],
    [200, '<html>', /^could not count the instances: expected JSON from the management API/],
  ])('fails on an answer %j %j', async (status, body, why) => {
    app = await startAnswering(() => [status, body]);
    await expect(runStep(countVersions, ['--url', app.url])).rejects.toThrow(why);
  });

  it.each(['{', '[]', '{"placeOrder 1": "3"}', '{"placeOrder 1": 1.5}'])(
    'fails on counts of before that are none: %s',
    async (text) => {
      writeFileSync(folder.file('broken'), text);
      await expect(count([], ['--before', folder.file('broken')])).rejects.toThrow(
        `could not read the counts in ${folder.file('broken')}: `,
      );
    },
  );
});
