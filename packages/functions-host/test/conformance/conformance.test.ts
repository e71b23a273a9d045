import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { makeFolder, startHostProcess, stopHosts } from '../support/host-process';
import { startTestPostgres, type TestPostgres } from '../support/postgres-server';
import { converse, type Conversation, type Supposed } from './conversation';
import { differences } from './differences';
import { hasRecordings, inRecordedOrder, listRecordings, recordingsFolder } from './recording';
import { writeRecordedApp } from './recorded-app';

const supposed: Supposed = {
  inputs: { eternal: '1' },
  statuses: {
    'durable-16-resume-running': { id: '2320211824f34acd9cd34ba90a89fd73', status: 'Running' },
    'durable-72-start-dupid-running': { id: 'my-id-1', status: 'Running' },
  },
  continued: { 'durable-81-list-top2-next': 'durable-80-list-top2' },
  pages: new Set(['durable-80-list-top2', 'durable-81-list-top2-next', 'durable-87-list-trailing-slash']),
};

/** What the storage test goes by, and what holds no answers: explanations, a log and measurements. */
const storageRecordings = ['blobtrigger-meta.jsonl', 'queuetrigger-meta.jsonl'];
const notes = [
  ...['README.md', 'capture-index.txt', 'host-start.log'],
  ...['timing-coldstart.txt', 'timing-durable.txt', 'timing-http.txt'],
];

const recordings = hasRecordings ? inRecordedOrder(listRecordings()) : [];
const withKeys = recordings.filter((name) => name.startsWith('auth-'));
const withoutKeys = recordings.filter((name) => !name.startsWith('auth-'));

function declareAnswers(): void {
  afterAll(stopHosts);

  describe.each(['memory', 'PostgreSQL'])('with its task hub in %s', (kind) => {
    let postgres: TestPostgres | undefined;
    let conversation: Conversation;
    beforeAll(async () => {
      const [app, dataDir] = [await writeRecordedApp(), await makeFolder()];
      if (kind === 'PostgreSQL') postgres = await startTestPostgres();
      const host = await startHostProcess(app, { dataDir, taskHub: postgres?.url ?? 'memory' });
      conversation = converse(host.url, await placesOf(app, dataDir), supposed);
    });
    afterAll(async () => {
      await stopHosts();
      await postgres?.stop();
    });

    for (const name of withoutKeys) {
      it(`to ${name}`, async () => {
        const { ours, recorded } = await conversation.repeat(name);
        expect(ours).toEqual(recorded);
      });
    }
  });

  describe('when keys are asked for', () => {
    let conversation: Conversation;
    beforeAll(async () => {
      const [app, dataDir] = [await writeRecordedApp(), await makeFolder()];
      const host = await startHostProcess(app, { auth: true, dataDir });
      const keys = await readKeys(dataDir);
      for (let i = 0; i < 2; i++) {
        await fetch(`${host.url}/api/wait/simple3`, { method: 'POST' });
      }
      conversation = converse(host.url, await placesOf(app, dataDir), {
        ...supposed,
        key: (name) => toKey(keys, name),
      });
    });

    for (const name of withKeys) {
      it(`to ${name}`, async () => {
        const { ours, recorded } = await conversation.repeat(name);
        expect(ours).toEqual(recorded);
      });
    }
  });

  it('but for a short list of reasons, which the README names', () => {
    const readme = readFileSync(path.join(__dirname, '../../README.md'), 'utf8');
    expect(differences.length).toBeLessThanOrEqual(10);
    for (const { reason } of differences) expect(readme).toContain(`- ${reason}\n`);
  });

  it('in every file that there is', () => {
    const files = readdirSync(recordingsFolder, { withFileTypes: true }).flatMap((entry) =>
      entry.isFile() ? entry.name : [],
    );
    const repeated = [...withKeys, ...withoutKeys].map((name) => `${name}.txt`);
    expect([...repeated, ...storageRecordings, ...notes].sort()).toEqual(files.sort());
  });
}

// A group whose tests are the recordings would be empty without them, which jest refuses.
if (hasRecordings) describe('the host answers as the real one does', declareAnswers);
else {
  it(`is skipped: the recordings are not at ${recordingsFolder}`, () => {
    expect(hasRecordings).toBe(false);
  });
}

interface Keys {
  readonly master: string;
  readonly host: { readonly default: string };
  readonly system: { readonly durabletask_extension: string };
  readonly functions: { readonly echojson: { readonly default: string } };
}

async function readKeys(dataDir: string): Promise<Keys> {
  return JSON.parse(await readFile(path.join(dataDir, 'keys.json'), 'utf8')) as Keys;
}

/** Texts of this run, and what stands for them in the recordings. */
async function placesOf(app: string, dataDir: string): Promise<Map<string, string>> {
  const { master, host, system, functions } = await readKeys(dataDir);
  const keys = [master, ...[host, system, ...Object.values(functions)].flatMap((named) => Object.values(named))];
  return new Map([[app, 'APP'], ...keys.map((key) => [key, 'KEY'] as const)]);
}

/** Recordings are named after the key that was given. */
function toKey(keys: Keys, recording: string): string {
  if (recording.endsWith('badkey')) return 'wrong';
  if (recording.endsWith('hostkey')) return keys.host.default;
  if (recording.endsWith('syskey')) return keys.system.durabletask_extension;
  return recording.endsWith('master') ? keys.master : keys.functions.echojson.default;
}
