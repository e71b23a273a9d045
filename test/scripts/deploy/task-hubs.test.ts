import { readFileSync, writeFileSync } from 'node:fs';
import { taskHubs } from '../../../scripts/deploy/task-hubs';
import { runStep, startAnswering, temporaryFolder } from '../../support/deploy-steps';
import type { Answer, AnsweringApp } from '../../support/deploy-steps';

/** Whether two apps know which rows are whose, asked of apps of several kinds. */

const folder = temporaryFolder();
let apps: AnsweringApp[] = [];
afterEach(async () => {
  await Promise.all(apps.map((app) => app.stop()));
  apps = [];
});

/** An app that gives these answers to who has its key, the last for ever. */
async function start(key: string, ...answers: readonly Answer[]): Promise<string> {
  let next = 0;
  const app = await startAnswering((request, _body, given) => {
    if (request !== 'GET /api/task-hub' || given !== key) return [401, ''];
    next += 1;
    return answers[Math.min(next, answers.length) - 1] ?? [500, ''];
  });
  apps.push(app);
  return app.url;
}

const hubs = (taskHub: string, otherTaskHub?: string): Answer => [200, { taskHub, otherTaskHub, unfinished: {} }];
const KEYS = { FUNCTION_KEY: 'of green', OTHER_FUNCTION_KEY: 'of blue' };

async function lead(...answers: readonly Answer[]): Promise<string> {
  const file = folder.file('env');
  writeFileSync(file, '');
  const url = await start('of blue', ...answers);
  await runStep(taskHubs, ['--leader', url, '--within', '1'], { ...KEYS, GITHUB_ENV: file });
  return readFileSync(file, 'utf8');
}

describe('the app that leads, before anything is changed,', () => {
  it('says which hub the app beside has, or that it was told of none', async () => {
    expect(await lead(hubs('Blue', 'Green'))).toBe('TASK_HUB=Green\n');
    expect(await lead(hubs('Blue'))).toBe('TASK_HUB=\n');
    expect(await lead([503, ''], hubs('Blue', 'Green'))).toBe('TASK_HUB=Green\n');
  });

  it.each<[string, Answer, RegExp]>([
    [
      'is from before there were task hubs in rows',
      [404, { title: 'there is nothing here' }],
      /^the version at \S+ knows nothing of task hubs: .* \(strategy in-place\), then this one beside it$/,
    ],
    ['names its own hub as the other one’s', [500, { detail: 'expected OTHER_TASK_HUB to name' }], /OTHER_TASK_HUB/],
    ['wants another key', [401, ''], /answered 401 when asked for its task hub$/],
    ['says something else', [200, { hub: 'Blue' }], /answered 200: \{"hub":"Blue"\} when asked/],
  ])('%s, and is refused', async (_what, answer, why) => {
    await expect(lead(answer)).rejects.toThrow(why);
  });

  it('is gone, and is refused', async () => {
    const [url] = [await start('of blue', hubs('Blue'))];
    await apps[0]?.stop();
    apps = [];
    await expect(runStep(taskHubs, ['--leader', url, '--within', '1'], KEYS)).rejects.toThrow(
      `${url} does not answer: Error: connect ECONNREFUSED`,
    );
  });
});

describe('two apps beside each other', () => {
  const both = async (blue: readonly Answer[], green: readonly Answer[]): Promise<string[]> => {
    const urls = [await start('of blue', ...blue), await start('of green', ...green)];
    return runStep(taskHubs, ['--leader', urls[0] ?? '', '--beside', urls[1] ?? '', '--within', '1'], KEYS);
  };

  it('know each other, once one that is started anew has been told', async () => {
    const lines = await both([hubs('Blue'), [404, ''], hubs('Blue', 'Green')], [hubs('Green', 'Blue')]);
    expect(lines).toEqual([expect.stringMatching(/works on Blue, \S+ on Green, and each knows of the other$/)]);
  });

  it.each<[string, Answer, Answer, RegExp]>([
    ['the one that leads is not told', hubs('Blue'), hubs('Green', 'Blue'), /expected Green, got none$/],
    ['it is told of a third', hubs('Blue', 'Red'), hubs('Green', 'Blue'), /expected Green, got Red$/],
    ['the other one is not told', hubs('Blue', 'Green'), hubs('Green'), /expected Blue, got none$/],
    ['both work on one hub', hubs('Blue', 'Green'), hubs('blue', 'Blue'), /both work on task hub Blue: expected one/],
  ])('are refused when %s', async (_what, blue, green, why) => {
    await expect(both([blue], [green])).rejects.toThrow(why);
  });
});

it('sees by a package whether its version could answer', async () => {
  const look = (functions: readonly string[]): Promise<string[]> => {
    writeFileSync(folder.file('build.json'), JSON.stringify({ build: 'a1b2', functions }));
    return runStep(taskHubs, ['--package', folder.path]);
  };
  expect(await look(['showVersion', 'showTaskHub'])).toEqual(['build a1b2 knows of task hubs']);
  await expect(look(['showVersion'])).rejects.toThrow('build a1b2 knows nothing of task hubs');
});
