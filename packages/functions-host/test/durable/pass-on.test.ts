import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { realClock } from '../../src/clock';
import { passOn } from '../../src/durable/pass-on';

/** What listens at an owner's port, and how often it was asked. */
async function listen(status: number) {
  let asked = 0;
  const server = createServer((_request, response) => {
    asked += 1;
    response.writeHead(status).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, asked: () => asked, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

const post = (url: string) =>
  passOn(
    {
      method: 'POST',
      path: 'instances/a/raiseEvent/go',
      query: new URLSearchParams(),
      headers: {},
      body: Buffer.from('1'),
      origin: url,
    },
    {
      clock: realClock,
      machine: 'here',
      hub: "Task hub 'Green'",
      linkKey: undefined,
      find: async () => ({
        owner: { machine: 'here', pid: 1, url, secret: 's' },
        signal: new AbortController().signal,
      }),
    },
  );

describe('a request that was passed on', () => {
  it.each([202, 302, 500])(
    'is not sent again to who may have taken it, though its answer (%i) has no seal',
    async (status) => {
      await using host = await listen(status);
      expect(await post(host.url)).toMatchObject({
        status: 503,
        body: expect.stringContaining(`it answered ${status}`) as string,
      });
      expect(host.asked()).toBe(1);
    },
  );

  it.each([404, 503])('is sent again where something else refused it (%i)', async (status) => {
    await using other = await listen(status);
    expect((await post(other.url)).status).toBe(503);
    expect(other.asked()).toBeGreaterThan(1);
  });
});
