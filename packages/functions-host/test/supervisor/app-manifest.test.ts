import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readAppManifest } from '../../src/supervisor/app-manifest';

describe("the app's package.json", () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'functions-host-test-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const read = async (content: unknown): ReturnType<typeof readAppManifest> => {
    await writeFile(path.join(folder, 'package.json'), JSON.stringify(content));
    return readAppManifest(folder);
  };

  it('lists services and tasks with their files', async () => {
    const manifest = await read({
      main: 'dist/app.js',
      'functions-host': {
        services: { carrier: { entry: 'dist/local/carrier.js', settings: ['CARRIER_URL', 'CARRIER_ADMIN'] } },
        tasks: { migrate: { entry: 'dist/scripts/migrate.js' } },
      },
    });
    expect(manifest).toEqual({
      main: 'dist/app.js',
      services: [
        {
          name: 'carrier',
          entry: path.join(folder, 'dist/local/carrier.js'),
          settings: ['CARRIER_URL', 'CARRIER_ADMIN'],
        },
      ],
      tasks: [{ name: 'migrate', entry: path.join(folder, 'dist/scripts/migrate.js') }],
    });
  });

  it('need not say anything to the supervisor', async () => {
    expect(await read({ name: 'app' })).toEqual({ services: [], tasks: [] });
  });

  it('is asked for when it is not there', async () => {
    await expect(readAppManifest(folder)).rejects.toThrow(
      /Expected a Functions app in .* no package\.json\. Name .* --app/,
    );
  });

  it.each([
    [{ 'functions-host': [] }, /expected an object for functions-host, got \[\]/],
    [{ 'functions-host': { service: {} } }, /unknown entry functions-host\.service; known are services and tasks/],
    [
      { 'functions-host': { services: { a: { entry: 'a.js' } } } },
      /list of setting names for functions-host\.services\.a\.settings, got undefined/,
    ],
    [
      { 'functions-host': { services: { a: { settings: ['A'] } } } },
      /path of a JavaScript file for functions-host\.services\.a\.entry/,
    ],
    [{ 'functions-host': { tasks: { '../a': { entry: 'a.js' } } } }, /a name of letters, digits/],
    [
      { 'functions-host': { tasks: { logs: { entry: 'a.js' } } } },
      /doesn't begin with postgres, azurite, service-bus, logs/,
    ],
  ])('is refused with the place named: %j', async (content, message) => {
    await expect(read(content)).rejects.toThrow(message);
  });
});
