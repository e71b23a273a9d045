import { OutsideError } from '../../src/adapters/outside-error';
import { toMessageId } from '../../src/adapters/smtp-mailer';
import type { Mail, Mailer } from '../../src/ports';

interface SentMail extends Mail {
  readonly messageId: string;
}

/** Mail without a network: keeps what was sent, copies included, as a mail server would. */
export interface InMemoryMailer extends Mailer {
  readonly sent: readonly SentMail[];
  /** The next mails fail, before or after they were taken. */
  failNext(when: 'before' | 'after', times?: number): void;
}

export function createInMemoryMailer(from = 'orders@example.com'): InMemoryMailer {
  const sent: SentMail[] = [];
  const failures: ('before' | 'after')[] = [];
  return {
    sent,
    failNext: (when, times = 1) => void failures.push(...Array.from({ length: times }, () => when)),
    async send(key, mail) {
      const failure = failures.shift();
      if (failure !== 'before') sent.push({ ...mail, messageId: toMessageId(key, from) });
      if (failure !== undefined) throw new OutsideError('mailFailed', `failed on purpose, ${failure} taking the mail`);
    },
  };
}
