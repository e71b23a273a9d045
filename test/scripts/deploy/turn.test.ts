import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { NAMES } from '../../../scripts/deploy/dry-run/azure-commands';
import type { LocalAzure } from '../../../scripts/deploy/dry-run/azure-commands';
import { startAzureStandIn } from '../../../scripts/deploy/dry-run/azure-stand-in';
import type { AzureStandIn } from '../../../scripts/deploy/dry-run/azure-stand-in';
import { turn, TURN_LASTS } from '../../../scripts/deploy/turn';
import { until } from '../../support/running-app';
import { answeringAzure, runStep, temporaryFolder } from '../../support/deploy-steps';

/** The turn that roll-outs and shifts of traffic take, over blobs that behave as those of Azure do. */

const folder = temporaryFolder();
const blob = folder.file('blobs/traffic-turn');
const azure = { next: {}, refusals: [] } as unknown as LocalAzure;
let standIn: AzureStandIn;
beforeAll(async () => {
  standIn = await startAzureStandIn(azure, folder.path);
});
afterAll(() => standIn.stop());
afterEach(async () => {
  jest.restoreAllMocks();
  for (const run of ['run-1', 'run-2']) await giveBack(run);
});

const environment = (run: string) => ({
  PATH: `${standIn.programs}${path.delimiter}${process.env['PATH'] ?? ''}`,
  STORAGE_ACCOUNT: NAMES.storageAccountName,
  PACKAGES_CONTAINER: 'packages',
  DEPLOYMENT: 'order-sagas-staging',
  RUN: run,
});
const take = (run: string, within = '60') => runStep(turn, ['take', '--within', within], environment(run));
const giveBack = (run: string) => runStep(turn, ['give-back'], environment(run));
const holder = () => readFileSync(blob, 'utf8').split('\n')[0];

describe('the turn', () => {
  it('is that of the run which has taken it, until it gives it back', async () => {
    const before = Date.now();
    expect(await take('run-1')).toEqual([
      `this run has the turn to change how traffic stands, for ${TURN_LASTS} minutes`,
    ]);
    const [run, end = ''] = readFileSync(blob, 'utf8').split('\n');
    expect(run).toBe('run-1');
    expect(Date.parse(end) - before).toBeGreaterThanOrEqual(TURN_LASTS * 60_000);
    expect(await giveBack('run-1')).toEqual(['the turn is given back']);
    expect(existsSync(blob)).toBe(false);
    expect(await giveBack('run-1')).toEqual(['nobody has the turn']);
  });

  it('is waited for while another run has it', async () => {
    const printed = jest.spyOn(console, 'log').mockImplementation(() => {});
    await turn.run(['take'], environment('run-1'));
    const refused = azure.refusals.length;
    const taking = turn.run(['take'], environment('run-2'));
    await until('it was refused', 30_000, () => (azure.refusals.length > refused ? true : undefined));
    expect(holder()).toBe('run-1');
    await turn.run(['give-back'], environment('run-1'));
    await taking;
    const lines = printed.mock.calls.map(([line]) => String(line)).filter((line) => line.startsWith('waiting'));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(
      /^waiting: run-1 has the turn to change how traffic stands, until \d{4}-.*Z\. If that run/,
    );
    expect(lines[0]).toContain(
      'az storage blob delete --account-name stdryrun --container-name packages --name traffic-turn --auth-mode login',
    );
    expect(holder()).toBe('run-2');
  });

  it('is not waited for without end, and whose it is is said', async () => {
    await take('run-1');
    await expect(take('run-2', '1')).rejects.toThrow(/^no turn within 1 s: run-1 has the turn .* take it away: az /);
    expect(holder()).toBe('run-1');
  });

  it('is given back by nobody else', async () => {
    await take('run-1');
    expect(await giveBack('run-2')).toEqual(['not given back: run-1 has the turn']);
    expect(holder()).toBe('run-1');
  });

  it('is taken over from an earlier attempt of the same run', async () => {
    await take('run-1');
    expect((await take('run-1')).at(-1)).toMatch(/^this run has the turn/);
    expect(holder()).toBe('run-1');
  });

  it.each(['2026-01-31T12:00:00.000Z', 'some time', ''])('is taken over when its time is over: %j', async (end) => {
    writeFileSync(blob, `run-lost\n${end}\n`);
    expect(await take('run-1')).toEqual([
      `the turn of run-lost, until ${end}, is taken over`,
      expect.stringMatching(/^this run has the turn/),
    ]);
    expect(holder()).toBe('run-1');
  });

  it('goes to one of two who take it at once', async () => {
    jest.spyOn(console, 'log').mockImplementation(() => {});
    const both = await Promise.allSettled(
      ['run-1', 'run-2'].map((run) => turn.run(['take', '--within', '1'], environment(run))),
    );
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });
});

describe('a turn', () => {
  const TAKEN = {
    'storage blob upload': { json: {} },
    'storage blob download': { refusal: 'The specified blob does not exist.\nErrorCode:BlobNotFound' },
  };

  it('begins when no deployment is under way any more, whose job may have been cancelled', async () => {
    const program = folder.file('program');
    mkdirSync(program);
    const deploying = answeringAzure(program, { ...TAKEN, 'deployment sub list': { json: ['Succeeded', 'Running'] } });
    jest.spyOn(console, 'log').mockImplementation(() => {});
    await expect(turn.run(['take', '--within', '1'], { ...environment('run-1'), ...deploying })).rejects.toThrow(
      'order-sagas-staging is still being deployed (Running), begun by a run that waits for it no longer',
    );
    const ended = answeringAzure(program, { ...TAKEN, 'deployment sub list': { json: ['Failed'] } });
    expect(await runStep(turn, ['take'], { ...environment('run-1'), ...ended })).toHaveLength(1);
  });

  it('is not begun where Azure refuses for another reason', async () => {
    const refused = answeringAzure(folder.path, { storage: { refusal: 'no right to do that. ErrorCode:Forbidden' } });
    await expect(turn.run(['take'], { ...environment('run-1'), ...refused })).rejects.toThrow(
      'az storage blob upload: ERROR: no right to do that. ErrorCode:Forbidden',
    );
  });

  it.each([[['take', 'it']], [['give']], [[]]])('is refused of %j', async (args) => {
    await expect(turn.run(args, environment('run-1'))).rejects.toThrow('expected take or give-back');
  });

  it.each(['STORAGE_ACCOUNT', 'PACKAGES_CONTAINER', 'RUN', 'DEPLOYMENT'])('needs %s', async (name) => {
    await expect(turn.run(['take'], { ...environment('run-1'), [name]: '' })).rejects.toThrow(`expected ${name}`);
  });
});
