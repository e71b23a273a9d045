import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { ProgrammingModel } from '../../src/app/programming-model';
import { openStreamDoor } from '../../src/http/stream-door';

describe('the door to a library that streams', () => {
  it('takes a response back, so that a library which keeps it keeps nothing', async () => {
    const kept: ServerResponse[] = [];
    const model = {
      async getCapabilities() {
        const server = createServer((_request, response) => kept.push(response));
        await new Promise<void>((resolve) => server.listen(resolve));
        return { HttpUri: 'http://127.0.0.1' };
      },
    } as unknown as ProgrammingModel;
    const door = await openStreamDoor(model);
    const headers: unknown[] = [];
    const response = {
      setHeader(name: string, value: string) {
        headers.push([name, value, this === response]);
      },
    } as unknown as ServerResponse;
    const takeBack = door?.('id', { headers: {} } as unknown as IncomingMessage, response);
    kept[0]?.setHeader('a', 'b');
    expect(headers).toEqual([['a', 'b', true]]);
    takeBack?.();
    expect(() => kept[0]?.setHeader('a', 'b')).toThrow('revoked');
  });
});
