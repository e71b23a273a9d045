import { setMaxListeners } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server';
import type { Faults } from '../stand-in/faults';
import { toListenError, type Listening } from '../stand-in/http-server';
import type { Envelope } from './message';

/** Larger mails are refused, as by most mail servers. */
const LARGEST_MAIL = 10 * (1 << 20);

/** How long a client that is in the middle of a mail may take to finish it when the catcher ends. */
const CLOSE_TIMEOUT_MS = 200;

export interface SmtpReceiverOptions {
  /** `smtp://127.0.0.1:<port>`; port 0 takes any free one. */
  readonly url: URL;
  readonly faults: Faults;
  /** Keeps a mail; the sender is told that it was taken when this resolves. */
  readonly keep: (bytes: Buffer, envelope: Envelope) => Promise<void>;
}

/** Receives mail for everyone, from anyone, with any name and password. Rejects when the port is busy. */
export async function startSmtpReceiver({ url, faults, keep }: SmtpReceiverOptions): Promise<Listening> {
  const closing = new AbortController();
  // One listener a stalled mail, of which there may be any number.
  setMaxListeners(0, closing.signal);
  const receive = async (stream: SMTPServerDataStream, session: SMTPServerSession): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of stream as AsyncIterable<Buffer>) if (!stream.sizeExceeded) chunks.push(chunk);
    if (stream.sizeExceeded) throw refusal(552, `expected a mail of at most ${LARGEST_MAIL} bytes`);
    const fault = faults.next();
    if (fault === 'before') throw refusal(451, 'failed on purpose, before the mail was kept');
    const { stallMs } = faults.report();
    if (stallMs > 0) await wait(stallMs, undefined, { signal: closing.signal });
    await keep(Buffer.concat(chunks), toEnvelope(session));
    if (fault === 'after') throw refusal(451, 'failed on purpose, after the mail was kept');
  };
  const server = new SMTPServer({
    // Without a certificate of its own, an offer of STARTTLS would make clients refuse the connection.
    disabledCommands: ['STARTTLS'],
    authOptional: true,
    allowInsecureAuth: true,
    disableReverseLookup: true,
    size: LARGEST_MAIL,
    closeTimeout: CLOSE_TIMEOUT_MS,
    onAuth: (auth, _session, callback) => callback(null, { user: auth.username ?? 'anyone' }),
    onData(stream, session, callback) {
      receive(stream, session).then(() => callback(), callback);
    },
  });
  const port = Number(url.port);
  const bound = await new Promise<AddressInfo>((resolve, reject) => {
    server.once('error', (error) => reject(toListenError(error, port)));
    const listener = server.listen(port, '127.0.0.1', () => resolve(listener.address() as AddressInfo));
  });
  // Later errors are those of single connections, whose clients see them.
  server.on('error', () => undefined);
  return {
    url: `smtp://127.0.0.1:${bound.port}`,
    async close() {
      closing.abort(new Error('the mail catcher is closing'));
      await new Promise<void>((resolve) => server.close(resolve));
    },
  };
}

function toEnvelope({ envelope }: SMTPServerSession): Envelope {
  return {
    from: envelope.mailFrom === false ? '' : envelope.mailFrom.address,
    to: envelope.rcptTo.map(({ address }) => address),
  };
}

/** An error that the sender sees as an SMTP answer: 4xx means try again, 5xx never. */
function refusal(responseCode: number, message: string): Error {
  return Object.assign(new Error(message), { responseCode });
}
