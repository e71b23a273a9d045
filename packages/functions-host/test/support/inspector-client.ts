import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import type { Socket } from 'node:net';

/** A debugger as far as a test needs one: Node's inspector protocol over its WebSocket. */
export interface InspectorClient {
  /** Calls a method and answers its result; rejects with the protocol's error. */
  send(method: string, params?: object): Promise<Record<string, unknown>>;
  /** Resolves with the parameters of the first event of this name that fits, past or to come. */
  event(name: string, fits?: (params: Record<string, unknown>) => boolean): Promise<Record<string, unknown>>;
  close(): void;
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

/** Attaches to the process whose inspector listens on 127.0.0.1:`port`. */
export async function attachInspector(port: number): Promise<InspectorClient> {
  const [target] = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as { id: string }[];
  const socket = await upgrade(port, `/${target?.id ?? ''}`);
  const events: Message[] = [];
  const waiting = new Set<() => void>();
  const calls = new Map<number, (message: Message) => void>();
  const takeFrame = createFrameReader((text) => {
    const message = JSON.parse(text) as Message;
    if (message.id !== undefined) calls.get(message.id)?.(message);
    else {
      events.push(message);
      for (const check of waiting) check();
    }
  });
  socket.on('data', takeFrame);
  let lastId = 0;
  return {
    send(method, params = {}) {
      const id = ++lastId;
      const answered = new Promise<Record<string, unknown>>((resolve, reject) => {
        calls.set(id, ({ result, error }) => {
          if (error === undefined) resolve(result ?? {});
          else reject(new Error(`${method}: ${error.message}`));
        });
      });
      socket.write(toFrame(JSON.stringify({ id, method, params })));
      return answered;
    },
    event: (name, fits = () => true) =>
      new Promise((resolve) => {
        const check = (): void => {
          const found = events.find(({ method, params = {} }) => method === name && fits(params));
          if (found === undefined) return;
          waiting.delete(check);
          resolve(found.params ?? {});
        };
        waiting.add(check);
        check();
      }),
    close: () => socket.destroy(),
  };
}

function upgrade(port: number, path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const headers = {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': randomBytes(16).toString('base64'),
    };
    request({ host: '127.0.0.1', port, path, headers })
      .on('upgrade', (_response, socket: Socket) => resolve(socket))
      .on('error', reject)
      .end();
  });
}

/** A client's text frame; the mask is all zeros. */
function toFrame(text: string): Buffer {
  const payload = Buffer.from(text);
  const head = Buffer.alloc(8);
  head[0] = 0x81;
  head[1] = 0x80 | 126;
  head.writeUInt16BE(payload.length, 2);
  return Buffer.concat([head, payload]);
}

/** Takes bytes as they come, and hands over each whole text frame of a server. */
function createFrameReader(onText: (text: string) => void): (chunk: Buffer) => void {
  let rest = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      const short = (rest[1] ?? 0) & 0x7f;
      const headLength = short === 126 ? 4 : short === 127 ? 10 : 2;
      if (rest.length < headLength) return;
      const length = short === 126 ? rest.readUInt16BE(2) : short === 127 ? Number(rest.readBigUInt64BE(2)) : short;
      if (rest.length < headLength + length) return;
      const isText = ((rest[0] ?? 0) & 0x0f) === 1;
      const payload = rest.subarray(headLength, headLength + length);
      rest = rest.subarray(headLength + length);
      if (isText) onText(payload.toString());
    }
  };
}
