import type { Timer } from '@azure/functions';
import { OutsideError } from '../../../src/adapters/outside-error';
import type { OutsideErrorCode } from '../../../src/adapters/outside-error';
import { MAIL_DEADLINE } from '../../../src/ports';
import { tellDeadLetters } from '../../../src/triggers/timer/tell-dead-letters';
import { createInMemoryDeadLetters } from '../../support/in-memory-dead-letters';
import { createInMemoryMailer } from '../../support/in-memory-mailer';
import { createContext } from '../../support/invoke';
import { createTestClock } from '../../support/orders-database';
import { sampleDeadLetter } from '../../support/sample-dead-letters';

const addresses = {
  payments: 'payments@example.com',
  database: 'database@example.com',
  senders: 'senders@example.com',
  onCall: 'ops@example.com',
};
const MINUTE = 60_000;

function createOffice(to = addresses) {
  const clock = createTestClock();
  const deadLetters = createInMemoryDeadLetters(clock);
  const mailer = createInMemoryMailer();
  const handler = tellDeadLetters({ deadLetters, mailer, clock, addresses: to, quiet: 15 * MINUTE });
  const run = async () => handler({} as Timer, createContext().context);
  return { clock, deadLetters, mailer, run };
}

describe('mails about dead letters', () => {
  it('go to the team whose business it is, one for a thousand of a reason', async () => {
    const { deadLetters, mailer, run } = createOffice();
    for (let n = 0; n < 1_000; n += 1) await deadLetters.keep(sampleDeadLetter(`m-${n}`));
    await deadLetters.keep(sampleDeadLetter('declined', { told: 'payment_failed' }));
    await deadLetters.keep(sampleDeadLetter('slow', { told: 'timeout' }));
    await deadLetters.keep(sampleDeadLetter('odd', { told: 'because' }));
    await run();
    await run();
    expect(mailer.sent.map(({ to, subject }) => `${to}: ${subject}`).sort()).toEqual([
      'database@example.com: 1 dead letter: timeout (orders)',
      'ops@example.com: 1 dead letter: unknown (orders)',
      'payments@example.com: 1 dead letter: payment_failed (orders)',
      'senders@example.com: 1000 dead letters: invalid_message (orders)',
    ]);
  });

  it('are quiet for a while after one, and then tell of all that came since', async () => {
    const { clock, deadLetters, mailer, run } = createOffice();
    for (let minute = 0; minute < 20; minute += 1) {
      await deadLetters.keep(sampleDeadLetter(`m-${minute}`));
      await run();
      clock.advance(MINUTE);
    }
    const subjects = mailer.sent.map(({ subject }) => subject);
    expect(subjects).toEqual(['1 dead letter: invalid_message (orders)', '16 dead letters: invalid_message (orders)']);
  });

  it('are sent again as they were when the mail server was gone', async () => {
    const { clock, deadLetters, mailer, run } = createOffice();
    await deadLetters.keep(sampleDeadLetter('a'));
    mailer.failNext('after');
    await expect(run()).rejects.toThrow(
      'senders@example.com could not be told of dead letters; a later run tries again',
    );
    clock.advance(MINUTE);
    await deadLetters.keep(sampleDeadLetter('b'));
    await run();
    expect(mailer.sent).toHaveLength(2);
    expect(mailer.sent[1]).toEqual(mailer.sent[0]);
  });

  it('reach the other teams when the address of one takes none', async () => {
    const { deadLetters, mailer, run } = createOffice();
    for (const told of ['payment_failed', 'timeout', 'because']) {
      await deadLetters.keep(sampleDeadLetter(told, { told }));
    }
    mailer.failNext('before');
    await expect(run()).rejects.toThrow('could not be told of dead letters');
    expect(mailer.sent).toHaveLength(2);
    await run();
    expect(new Set(mailer.sent.map(({ to }) => to))).toEqual(
      new Set(['payments@example.com', 'database@example.com', 'ops@example.com']),
    );
  });

  describe('to one address', () => {
    const toAll = {
      payments: 'all@example.com',
      database: 'all@example.com',
      senders: 'all@example.com',
      onCall: 'all@example.com',
    };

    /** Notes four mails, and has the server answer those of some reasons with an error; tells of which reasons it saw mails. */
    async function runWith(troubles: Readonly<Record<string, OutsideErrorCode>>) {
      const { clock, deadLetters, mailer, run } = createOffice(toAll);
      for (const told of ['timeout', 'because', 'payment_failed', 'invalid_message']) {
        await deadLetters.keep(sampleDeadLetter(told, { told }));
      }
      const tried: string[] = [];
      const { send } = mailer;
      mailer.send = async (key, mail) => {
        const reason = key.split('/')[2] ?? '';
        tried.push(reason);
        const code = troubles[reason];
        if (code !== undefined) throw new OutsideError(code, 'not this one');
        await send(key, mail);
      };
      await expect(run()).rejects.toThrow('all@example.com could not be told of dead letters');
      const first = tried.splice(0);
      clock.advance(2 * MAIL_DEADLINE);
      await expect(run()).rejects.toThrow('all@example.com could not be told of dead letters');
      return { first, second: tried, sent: mailer.sent.length };
    }

    it('are sent though the server refuses others for what they say', async () => {
      expect(await runWith({ timeout: 'mailRejected', payment_failed: 'mailFailed' })).toEqual({
        first: ['timeout', 'unknown', 'payment_failed', 'invalid_message'],
        second: ['timeout', 'payment_failed'],
        sent: 2,
      });
    });

    it('are tried no more in this run when it has refused three in a row', async () => {
      const all = { timeout: 'mailRejected', unknown: 'mailRejected', payment_failed: 'mailRejected' } as const;
      const tried = ['timeout', 'unknown', 'payment_failed'];
      expect(await runWith(all)).toEqual({ first: tried, second: tried, sent: 0 });
    });

    it.each(['mailUnreachable', 'mailTimeout'] as const)('are tried no more in this run after a %s', async (code) => {
      expect(await runWith({ timeout: code })).toEqual({ first: ['timeout'], second: ['timeout'], sent: 0 });
    });
  });
});
