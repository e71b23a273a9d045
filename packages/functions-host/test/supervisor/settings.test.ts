import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { mergeSettings, readLocalSettings } from '../../src/supervisor/settings';

describe('local.settings.json', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'functions-host-test-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const read = async (content: string): ReturnType<typeof readLocalSettings> => {
    await writeFile(path.join(folder, 'local.settings.json'), content);
    return readLocalSettings(folder);
  };

  it('need not be there', async () => {
    expect(await readLocalSettings(folder)).toEqual({ values: {} });
  });

  it('is read with comments, commas after the last entry and a byte order mark', async () => {
    const content = `\uFEFF{ // the storage
      "IsEncrypted": false,
      /* all of
         them */
      "Values": { "A": "http://host // no comment, }", "B": "a \\" /* b */", "N": 1, "T": true, "Null": null, },
      "Host": { "LocalHttpPort": 7072, "CORS": "*" },
    }`;
    expect(await read(content)).toEqual({
      values: { A: 'http://host // no comment, }', B: 'a " /* b */', N: '1', T: 'true' },
      port: 7072,
      cors: { origins: ['*'], credentials: false },
    });
  });

  it('has connection strings in both of their forms', async () => {
    const content = { ConnectionStrings: { Plain: 'one', Nested: { ConnectionString: 'two', ProviderName: 'x' } } };
    expect(await read(JSON.stringify(content))).toEqual({
      values: { 'ConnectionStrings:Plain': 'one', 'ConnectionStrings:Nested': 'two' },
    });
  });

  it('lists the origins that browsers may call from', async () => {
    const content = { Host: { CORS: 'https://a.example, http://localhost:3000', CORSCredentials: 'true' } };
    expect((await read(JSON.stringify(content))).cors).toEqual({
      origins: ['https://a.example', 'http://localhost:3000'],
      credentials: true,
    });
    expect((await read('{ "Host": { "CORS": "" } }')).cors).toBeUndefined();
  });

  it.each([
    [
      '{ "Host": { "CORS": "a.example" } }',
      /expected an origin such as https:\/\/app\.example, or \*, in Host\.CORS, got "a\.example"/,
    ],
    ['{ "Host": { "CORS": ["*"] } }', /expected origins with commas between them for Host\.CORS, got a list/],
    ['{ "Host": { "CORS": "*", "CORSCredentials": true } }', /Host\.CORSCredentials can't go with Host\.CORS "\*"/],
    [
      '{ "Host": { "CORS": "https://a.example", "CORSCredentials": 1 } }',
      /expected true or false for Host\.CORSCredentials, got 1/,
    ],
    [
      '{\n "Values": { "A": ',
      /local\.settings\.json is not valid JSON: line 2, column 19: expected a value, got the end/,
    ],
    ['[]', /expected an object for the whole file, got a list/],
    ['{ "IsEncrypted": true, "Values": { "A": "x" } }', /is encrypted .*func settings decrypt/],
    ['{ "Values": { "A": { "B": 1 } } }', /expected a string for Values\.A, got an object/],
    ['{ "Values": "x" }', /expected an object for Values, got "x"/],
    ['{ "Host": { "LocalHttpPort": 70000 } }', /expected a port \(0 to 65535\) for Host\.LocalHttpPort, got 70000/],
  ])('is refused with the place named: %s', async (content, message) => {
    await expect(read(content)).rejects.toThrow(message);
  });

  it('gives way to what is set in the environment', () => {
    expect(mergeSettings({ values: { A: 'file', B: 'file' } }, { B: 'environment', C: 'environment' })).toEqual({
      A: 'file',
      B: 'environment',
      C: 'environment',
    });
  });
});
