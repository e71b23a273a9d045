import { createHash } from 'node:crypto';
import type { Transporter } from 'nodemailer';
import { MAIL_DEADLINE } from '../ports';
import type { Mailer } from '../ports';
import { OutsideError, type OutsideTrouble } from './outside-error';

export interface SmtpMailerOptions {
  /** `smtp://` or `smtps://`, with `user:password@` where the server wants it; the usual port when none is given. */
  readonly url: string;
  /** Sender of every mail; its domain is that of the Message-IDs. */
  readonly from: string;
  /** How long to wait for a connection and for each of the server's answers; 10 seconds by default. */
  readonly timeoutMs?: number;
  /** How long all of that may take, and waiting for a connection while all are in use; the port's deadline by default. */
  readonly deadlineMs?: number;
}

const CONNECTIONS = 5;

/**
 * Mail over SMTP, on a few connections that are kept. SMTP has no idempotency keys: when an answer is lost the mail may
 * arrive twice, with the same Message-ID, which follows from the key. So may one that was given up at the deadline while it
 * was being sent: a dozen answers, each in its time, add up to more. One that was given up while it waited for a connection is
 * never sent. Throws an `OutsideError`. The library is loaded with the first mail.
 */
export function createSmtpMailer(options: SmtpMailerOptions): Mailer & { close(): Promise<void> } {
  const { from, deadlineMs = MAIL_DEADLINE } = options;
  let opened: Promise<Transporter> | undefined;
  // Not the library's queue, which nothing can be taken out of.
  const inTurn = takeTurns(CONNECTIONS);
  return {
    async send(key, { to, subject, text }) {
      opened ??= openTransport(options);
      const transport = await opened;
      try {
        const message = { from, to, subject, text, messageId: toMessageId(key, from) };
        await within(deadlineMs, (isLate) =>
          inTurn(async () => {
            if (!isLate()) await transport.sendMail(message);
          }),
        );
      } catch (error) {
        throw toOutsideError(error, to);
      }
    },
    async close() {
      (await opened)?.close();
    },
  };
}

/** Rejects when the work takes longer, whatever becomes of it then; the work can ask whether it has. */
async function within(milliseconds: number, work: (isLate: () => boolean) => Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  let isLate = false;
  const late = new Promise<never>((_resolve, reject) => {
    const error = Object.assign(new Error(`it was not sent within ${milliseconds} ms`), { code: 'ETIMEDOUT' });
    timer = setTimeout(() => {
      isLate = true;
      reject(error);
    }, milliseconds);
  });
  try {
    await Promise.race([work(() => isLate), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Lets so many work at a time, the others in the order in which they came. */
function takeTurns(limit: number): (work: () => Promise<void>) => Promise<void> {
  let free = limit;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((begin) => waiting.push(begin));
    try {
      await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free += 1;
    }
  };
}

async function openTransport({ url, timeoutMs = 10_000 }: SmtpMailerOptions): Promise<Transporter> {
  const { createTransport } = await import('nodemailer');
  return createTransport({
    ...toServer(url),
    pool: true,
    maxConnections: CONNECTIONS,
    maxMessages: Infinity,
    // Trying again is the step's business, which does it durably; see its policy.
    maxRequeues: 0,
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
}

/** `<first 32 hex digits of the key's SHA-256@domain of the sender>`. */
export function toMessageId(key: string, from: string): string {
  const domain = /@([^@>\s]+)>?\s*$/.exec(from)?.[1] ?? 'localhost';
  return `<${createHash('sha256').update(key).digest('hex').slice(0, 32)}@${domain}>`;
}

function toServer(value: string): {
  host: string;
  port: number;
  secure: boolean;
  auth?: { user: string; pass: string };
} {
  const url = new URL(value);
  const secure = url.protocol === 'smtps:';
  const server = { host: url.hostname, port: url.port === '' ? (secure ? 465 : 587) : Number(url.port), secure };
  if (url.username === '') return server;
  return { ...server, auth: { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) } };
}

/** What nodemailer's codes mean for us; an answer of the server (`responseCode`) says more. */
const TROUBLES: Readonly<Record<string, OutsideTrouble>> = {
  ECONNECTION: 'Unreachable',
  ECONNREFUSED: 'Unreachable',
  EDNS: 'Unreachable',
  ESOCKET: 'Unreachable',
  ETLS: 'Unreachable',
  ETIMEDOUT: 'Timeout',
  EAUTH: 'Rejected',
  ENOAUTH: 'Rejected',
  EENVELOPE: 'Rejected',
  ECONFIG: 'Rejected',
};

function toOutsideError(error: unknown, to: string): OutsideError {
  const { code, responseCode, message } = error as { code?: string; responseCode?: number; message?: string };
  const trouble =
    responseCode === undefined ? (TROUBLES[code ?? ''] ?? 'Failed') : responseCode >= 500 ? 'Rejected' : 'Failed';
  return new OutsideError(`mail${trouble}`, `the mail to ${to} was not taken: ${message ?? String(error)}`, error);
}
