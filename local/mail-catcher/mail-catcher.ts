import path from 'node:path';
import { answerFaults } from '../stand-in/fault-routes';
import { createFaults, type FaultSettings } from '../stand-in/faults';
import { problem, serveHttp, type HttpAnswer, type HttpHandler, type HttpRequest } from '../stand-in/http-server';
import { PageError, readAfter, readLimit } from '../stand-in/paging';
import { openMailbox, type KeptMessage, type Mailbox } from './mailbox';
import { toIncoming, toReadable, type ReadableMessage } from './message';
import { startSmtpReceiver } from './smtp-receiver';

export interface MailCatcherOptions {
  /** Where mail is received: `smtp://127.0.0.1:<port>`; port 0 takes any free one. */
  readonly smtpUrl: URL;
  /** Where it is read: `http://127.0.0.1:<port>`. */
  readonly httpUrl: URL;
  readonly dataDir: string;
  readonly faults?: Partial<FaultSettings>;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
}

export interface MailCatcher {
  readonly smtpUrl: string;
  readonly httpUrl: string;
  close(): Promise<void>;
}

/** Starts the development mail catcher; rejects when a port is busy or its data can't be read. */
export async function startMailCatcher(options: MailCatcherOptions): Promise<MailCatcher> {
  const faults = createFaults(options.faults);
  let mailbox: Mailbox | undefined;
  const http = await serveHttp(options.httpUrl, () => {
    const opened = (mailbox = openMailbox(path.join(options.dataDir, 'mails.ndjson')));
    const handle: HttpHandler = async (request) => answerFaults(faults, request) ?? (await answer(request, opened));
    return { handle, close: () => opened.close() };
  });
  try {
    const smtp = await startSmtpReceiver({
      url: options.smtpUrl,
      faults,
      async keep(bytes, envelope) {
        const incoming = await toIncoming(bytes, envelope);
        mailbox!.add({ ...incoming, receivedAt: new Date(options.now()).toISOString() });
      },
    });
    const close = async (): Promise<void> => {
      await smtp.close();
      await http.close();
    };
    return { smtpUrl: smtp.url, httpUrl: http.url, close };
  } catch (error) {
    await http.close();
    throw error;
  }
}

async function answer(request: HttpRequest, mailbox: Mailbox): Promise<HttpAnswer> {
  const { method, path: asked, query } = request;
  if (asked !== '/messages' && !asked.startsWith('/messages/')) return unknownRequest(request);
  if (method === 'DELETE' && asked === '/messages') {
    mailbox.clear();
    return { status: 204, body: undefined };
  }
  if (method !== 'GET') return unknownRequest(request);
  try {
    if (asked === '/messages') return await answerList(query, mailbox);
  } catch (error) {
    if (error instanceof PageError) return problem(400, 'badPage', error.message);
    throw error;
  }
  if (asked === '/messages/summary') return { status: 200, body: mailbox.summarise(readFilter(query)) };
  const [, id] = /^\/messages\/(\d{1,15})$/.exec(asked) ?? [];
  const kept = id === undefined ? undefined : mailbox.find(Number(id));
  if (kept === undefined) return problem(404, 'unknownMessage', `${asked}: there is no such message`);
  const raw = Buffer.from(kept.message.raw, 'latin1').toString('utf8');
  return { status: 200, body: { ...(await readMessage(kept)), raw } };
}

async function answerList(query: URLSearchParams, mailbox: Mailbox): Promise<HttpAnswer> {
  const limit = readLimit(query, 100, 1000);
  const kept = mailbox.list({ ...readFilter(query), after: readAfter(query), limit });
  const messages = await Promise.all(kept.map(readMessage));
  const next = messages.length < limit ? undefined : messages.at(-1)?.id;
  return { status: 200, body: { messages, ...(next === undefined ? {} : { next }) } };
}

async function readMessage({ message, isDuplicate }: KeptMessage): Promise<ReadableMessage> {
  return toReadable(message, isDuplicate);
}

function readFilter(query: URLSearchParams): { to: string | undefined; messageId: string | undefined } {
  return { to: query.get('to') ?? undefined, messageId: query.get('messageId') ?? undefined };
}

function unknownRequest({ method, path: asked }: HttpRequest): HttpAnswer {
  return problem(404, 'unknownRequest', `${method} ${asked}: expected a request that local/README.md lists`);
}
