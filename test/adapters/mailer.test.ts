import { createSmtpMailer } from '../../src/adapters/smtp-mailer';
import type { Mailer } from '../../src/ports';
import { createInMemoryMailer } from '../support/in-memory-mailer';
import { startStandIns } from '../support/start-stand-ins';

interface Received {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly messageId: string;
}

interface Bench {
  readonly mailer: Mailer;
  whileFailing<Result>(when: 'before' | 'after', action: () => Promise<Result>): Promise<Result>;
  read(): Promise<readonly Received[]>;
  close(): Promise<void>;
}

const FROM = 'The shop <orders@shop.example>';

async function inMemory(): Promise<Bench> {
  const mailer = createInMemoryMailer(FROM);
  return {
    mailer,
    async whileFailing(when, action) {
      mailer.failNext(when);
      return action();
    },
    read: async () => mailer.sent,
    close: async () => undefined,
  };
}

async function overSmtp(): Promise<Bench> {
  const standIns = await startStandIns();
  const mailer = createSmtpMailer({ url: standIns.settings.SMTP_URL, from: FROM });
  return {
    mailer,
    async whileFailing(when, action) {
      await standIns.setFaults('mails', when === 'before' ? { failBefore: 1 } : { failAfter: 1 });
      try {
        return await action();
      } finally {
        await standIns.setFaults('mails', { failBefore: 0, failAfter: 0 });
      }
    },
    async read() {
      const mails = await standIns.readMails();
      return mails.map(({ to, subject, text, messageId }) => ({ to: to.join(), subject, text, messageId }));
    },
    async close() {
      await mailer.close();
      await standIns.close();
    },
  };
}

describe.each([
  ['in memory', inMemory],
  ['over SMTP', overSmtp],
])('the mailer %s', (_name, open) => {
  let bench: Bench;

  beforeEach(async () => {
    bench = await open();
  });
  afterEach(async () => bench.close());

  const mail = { to: 'ann@example.com', subject: 'Ihre Bestellung ✓', text: 'Danke!\n\nDer Laden' };

  it('sends a mail whose Message-ID follows from the key and the sender', async () => {
    await bench.mailer.send('o-1/confirm#1', mail);
    // printf 'o-1/confirm#1' | sha256sum | cut -c1-32
    const messageId = '<cab17b449de217b63ff66c504dc87c34@shop.example>';
    expect(await bench.read()).toEqual([expect.objectContaining({ ...mail, messageId })]);
  });

  it('gives two copies of a mail one Message-ID, and two mails two', async () => {
    await bench.mailer.send('a', mail);
    await bench.mailer.send('a', mail);
    await bench.mailer.send('b', mail);
    const ids = (await bench.read()).map(({ messageId }) => messageId);
    expect(ids).toHaveLength(3);
    expect(new Set(ids).size).toBe(2);
  });

  it('throws when nobody knows whether the mail was taken', async () => {
    const send = async (): Promise<void> => bench.mailer.send('a', mail);
    await expect(bench.whileFailing('before', send)).rejects.toMatchObject({ code: 'mailFailed' });
    expect(await bench.read()).toHaveLength(0);
    await expect(bench.whileFailing('after', send)).rejects.toMatchObject({ code: 'mailFailed' });
    expect(await bench.read()).toHaveLength(1);
  });
});
