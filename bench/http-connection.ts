/**
 * A keep-alive HTTP/1.1 connection that carries one request at a time, and as little else as possible: the load
 * generator shares the machine with what it measures, and Node's own client costs as much as a server does.
 */
import { connect, type Socket } from 'node:net';

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

export class HttpConnection {
  readonly #socket: Socket;
  readonly #host: string;
  #received = '';
  #settle: { resolve: (answer: HttpAnswer) => void; reject: (error: Error) => void } | undefined;

  private constructor(socket: Socket, host: string) {
    this.#socket = socket;
    this.#host = host;
    socket.setNoDelay(true);
    // Bytes as characters, so that lengths in bytes can be counted; bodies are decoded once they are whole.
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      this.#received += chunk;
      this.#take();
    });
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error(`${host} closed the connection`)));
  }

  static open(port: number): Promise<HttpConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.off('error', reject);
        resolve(new HttpConnection(socket, `127.0.0.1:${port}`));
      });
      socket.once('error', reject);
    });
  }

  get(path: string): Promise<HttpAnswer> {
    return this.#send(`GET ${path} HTTP/1.1\r\nhost: ${this.#host}\r\n\r\n`);
  }

  /** `headers`: whole lines, each with its end. */
  post(path: string, json: string, headers = ''): Promise<HttpAnswer> {
    return this.#send(
      `POST ${path} HTTP/1.1\r\nhost: ${this.#host}\r\ncontent-type: application/json\r\n${headers}` +
        `content-length: ${Buffer.byteLength(json)}\r\n\r\n${json}`,
    );
  }

  #send(request: string): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#socket.write(request);
    });
  }

  close(): void {
    this.#settle = undefined;
    this.#socket.destroy();
  }

  #take(): void {
    const answer = parseAnswer(this.#received);
    if (answer === undefined) return;
    this.#received = '';
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.resolve(answer);
  }

  #fail(error: Error): void {
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.reject(error);
  }
}

/** Undefined while the answer is not whole. `text` holds one byte a character. */
export function parseAnswer(text: string): HttpAnswer | undefined {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const head = text.slice(0, headEnd).toLowerCase();
  const status = Number(head.slice(9, 12));
  const rest = text.slice(headEnd + 4);
  const length = /\r\ncontent-length: *(\d+)/.exec(head)?.[1];
  if (length !== undefined) {
    return rest.length < Number(length) ? undefined : { status, body: decode(rest.slice(0, Number(length))) };
  }
  if (!head.includes('\r\ntransfer-encoding: chunked')) return { status, body: '' };
  const body = joinChunks(rest);
  return body === undefined ? undefined : { status, body: decode(body) };
}

function joinChunks(text: string): string | undefined {
  let body = '';
  for (let at = 0; ;) {
    const lineEnd = text.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(text.slice(at, lineEnd), 16);
    const end = lineEnd + 2 + size;
    if (text.length < end + 2) return undefined;
    if (size === 0) return body;
    body += text.slice(lineEnd + 2, end);
    at = end + 2;
  }
}

function decode(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
