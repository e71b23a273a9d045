import { readFileSync } from 'node:fs';
import path from 'node:path';
import { captureFunctions } from '../../packages/durable-saga/test/support/functions-core';
import type { CapturedFunction } from '../../packages/durable-saga/test/support/functions-core';
import { at, partsOf, readBicep, textOf } from '../support/bicep/bicep-file';
import type { Expression } from '../support/bicep/expressions';

/** What infra/ makes of a second app: that each app is told of the other, and is switched on and off as a whole. */

const root = path.join(__dirname, '../..');
const main = readBicep(path.join(root, 'infra/main.bicep'));
const frontDoor = readBicep(path.join(root, 'infra/modules/front-door.bicep'));
const valueOf = (name: string): Expression | undefined => main.find((declaration) => declaration.name === name)?.value;
const found = (name: string) => JSON.stringify(valueOf(name));
const triggers = JSON.parse(readFileSync(path.join(root, 'infra/triggers.json'), 'utf8')) as {
  messages: string[];
  timers: string[];
};

describe('the functions that start by themselves', () => {
  const before = process.env;
  let functions: readonly CapturedFunction[];
  beforeAll(() => {
    const local = JSON.parse(readFileSync(path.join(root, 'local.settings.json'), 'utf8')) as {
      Values: Record<string, string>;
    };
    process.env = { ...before, ...local.Values };
    // The composition root is what is asked, and it registers when it is loaded.
    // eslint-disable-next-line @typescript-eslint/no-require-imports
    functions = [...captureFunctions(() => void require('../../src/app')).values()];
  });
  afterAll(() => (process.env = before));

  const started = (...types: string[]) =>
    functions
      .filter(({ bindings }) => Object.values(bindings).some(({ type }) => types.includes(type)))
      .map(({ name }) => name);

  it('are all in the file by which an app gets its duty', () => {
    expect([...triggers.messages].sort()).toEqual(started('serviceBusTrigger', 'blobTrigger', 'queueTrigger').sort());
    // With telemetry there is one more.
    expect(triggers.timers.filter((name) => name !== 'measureBacklog').sort()).toEqual(started('timerTrigger').sort());
  });
});

describe('a second app', () => {
  it('is off unless it is asked for, and nothing of it is made then', () => {
    const given = readBicep(path.join(root, 'infra/main.bicepparam'));
    expect(JSON.stringify(given.find(({ name }) => name === 'secondApp')?.value)).toContain('"false"');
    for (const name of ['greenApp', 'frontDoor']) {
      expect(valueOf(name)).toMatchObject({ kind: 'if', condition: { kind: 'name', text: 'secondApp' } });
    }
    expect(found('blueSettings')).toContain('"secondApp"');
  });

  it('and the first one know the task hub of each other', () => {
    const hubs = valueOf('taskHubs');
    const [blue, green] = [textOf(at(hubs, 'blue')), textOf(at(hubs, 'green'))];
    const { extensions } = JSON.parse(readFileSync(path.join(root, 'host.json'), 'utf8')) as {
      extensions: { durableTask: { hubName: string } };
    };
    expect(blue).toBe(extensions.durableTask.hubName);
    expect(green).not.toBe(blue);
    const hubOf = (settings: string, key: string) =>
      partsOf(valueOf(settings)).flatMap((part) =>
        part.kind === 'object'
          ? part.members.filter((member) => textOf(member.key) === key).map(({ value }) => JSON.stringify(value))
          : [],
      );
    const hubName = 'AzureFunctionsJobHost__extensions__durableTask__hubName';
    expect(hubOf('blueSettings', hubName)).toEqual([expect.stringContaining('"blue"')]);
    expect(hubOf('blueSettings', 'OTHER_TASK_HUB')).toEqual([expect.stringContaining('"green"')]);
    expect(hubOf('greenSettings', hubName)).toEqual([expect.stringContaining('"green"')]);
    expect(hubOf('greenSettings', 'OTHER_TASK_HUB')).toEqual([expect.stringContaining('"blue"')]);
  });

  it('has another name than the first within what its host takes for its id, and a place of its own for packages', () => {
    const [blue, green] = [textOf(valueOf('appName')), textOf(valueOf('greenName'))];
    expect(blue.slice(0, 5)).not.toBe(green.slice(0, 5));
    const containers = ['app', 'greenApp'].map((name) => {
      const part = partsOf(valueOf(name)).find(
        (one) => one.kind === 'object' && one.members.some(({ key }) => textOf(key) === 'deploymentContainerUri'),
      );
      return JSON.stringify(at(part, 'deploymentContainerUri'));
    });
    expect(new Set(containers).size).toBe(2);
  });

  it('gets requests by weight, and none when its share is nothing', () => {
    const origin = JSON.stringify(frontDoor.find(({ name }) => name === 'apps')?.value);
    for (const part of ['"weight"', '"Enabled"', '"Disabled"', '"originHostHeader"']) expect(origin).toContain(part);
    const outputs = frontDoor.filter(({ kind }) => kind === 'output').map(({ name }) => name);
    expect(outputs).toEqual(['name', 'hostName']);
  });
});
