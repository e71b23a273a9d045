import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { waitReady } from '../../../scripts/deploy/wait-ready';

/** Waiting for a version, against an app that answers as each test has it. */

let folder: string;
let server: Server;
let url: string;
/** What each request for the version is answered with; the last one again and again. */
let builds: string[];
let functions: string[];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'wait-ready-'));
  await writeFile(
    path.join(folder, 'build.json'),
    JSON.stringify({ build: 'new', functions: ['placeOrder', 'cleanUp'] }),
  );
  server = createServer((request, response) => {
    const build = builds.length > 1 ? builds.shift() : builds[0];
    const isVersion = request.url === '/api/version';
    response.end(JSON.stringify(isVersion ? { build } : functions.map((name) => ({ name }))));
  }).listen(0, '127.0.0.1');
  await new Promise((listening) => server.once('listening', listening));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  jest.spyOn(console, 'log').mockImplementation(() => {});
});
afterEach(async () => {
  server.close();
  jest.restoreAllMocks();
  await rm(folder, { recursive: true, force: true });
});

const wait = () => waitReady.run(['--url', url, '--package', folder, '--within', '1'], {});

it('is content when the new version answers with all of its functions', async () => {
  [builds, functions] = [['new'], ['PlaceOrder', 'cleanUp', 'more']];
  await expect(wait()).resolves.toBeUndefined();
});

it.each([
  [['new'], [], 'no function is loaded'],
  [['new'], ['cleanUp'], '1 of 2 functions are not loaded: placeOrder'],
  [['old'], ['placeOrder', 'cleanUp'], 'build old answers, expected new'],
])('gives up on %j with the functions %j, and says why', async (answered, loaded, why) => {
  [builds, functions] = [answered, loaded];
  await expect(wait()).rejects.toThrow(why);
});
