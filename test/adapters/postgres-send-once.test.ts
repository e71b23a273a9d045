import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { OutsideError } from '../../src/adapters/outside-error';
import { connectDatabase } from '../../src/adapters/postgres-database';
import type { Database } from '../../src/adapters/postgres-database';
import { deadLetterMails, isUnsent, sendOnce, stuckMails } from '../../src/adapters/postgres-send-once';
import { createSmtpMailer } from '../../src/adapters/smtp-mailer';
import { MAIL_DEADLINE } from '../../src/ports';
import { startOrdersDatabase } from '../support/orders-database';
import type { OrdersDatabase } from '../support/orders-database';

const KEY = 'mail-1';
let db: OrdersDatabase;
/** That of another app. */
let second: Database;

beforeAll(async () => {
  db = await startOrdersDatabase();
  second = connectDatabase({ url: db.url, poolSize: 2 });
});
afterAll(async () => {
  await second.close();
  await db.stop();
});

describe.each([
  ['stuck_notices', stuckMails],
  ['dead_letter_notices', deadLetterMails],
] as const)('a mail noted in %s', (table, rows) => {
  beforeEach(async () => {
    await db.database.query(`truncate ${table} cascade`);
    const now = db.clock.now();
    if (table === 'stuck_notices') {
      const insert = 'insert into stuck_notices (instance_id, reason, noticed_at, mail_key) values';
      await db.database.query(`${insert} ('a', 'r', $1, $2), ('b', 'r', $1, $2), ('c', 'r', $1, 'other')`, [now, KEY]);
    } else {
      const insert = 'insert into dead_letter_notices (key, team, reason, planned_at) values';
      await db.database.query(`${insert} ($2, 't', 'r', $1), ('other', 't', 'r', $1)`, [now, KEY]);
    }
  });

  const sendBy = (database: Database, send: () => Promise<void>) =>
    sendOnce({ database, clock: db.clock }, rows, KEY, send);
  const unsent = async (): Promise<string[]> => {
    const { rows: found } = await second.query<{ key: string }>(
      `select distinct ${rows.key} as key from ${table} where ${isUnsent(rows, '$1')} order by 1`,
      [db.clock.now()],
    );
    return found.map(({ key }) => key);
  };
  /** What a build does that knows nothing of `sending_until`: it marks the mail, and sends it before the commit if there was any. */
  const sendAsBefore = (database: Database, send: () => Promise<void>) =>
    database.transaction(async (tx) => {
      const mark = `update ${table} set ${rows.sent} = $2 where ${rows.key} = $1 and ${rows.sent} is null`;
      const { rowCount } = await tx.query(mark, [KEY, db.clock.now()]);
      if (rowCount) await send();
    });

  /** A send that goes on until it is told how it ends. */
  function createSend() {
    let sent = 0;
    let begin: () => void = () => undefined;
    let end: (error?: Error) => void = () => undefined;
    const begun = new Promise<void>((resolve) => (begin = resolve));
    const ended = new Promise<void>((resolve, reject) => {
      end = (error) => (error ? reject(error) : resolve());
    });
    const send = (): Promise<void> => {
      sent += 1;
      begin();
      return ended;
    };
    return { send, begun, end, count: () => sent };
  }

  it('is sent by one of two apps, and no other mail is touched', async () => {
    const mail = createSend();
    mail.end();
    await Promise.all([db.database, second, db.database, second].map((database) => sendBy(database, mail.send)));
    expect(mail.count()).toBe(1);
    expect(await unsent()).toEqual(['other']);
  });

  it('holds no transaction and no row while the mail server takes its time', async () => {
    let take: () => void = () => undefined;
    let arrive: () => void = () => undefined;
    const arrived = new Promise<void>((resolve) => (arrive = resolve));
    const mails: string[] = [];
    const server = new SMTPServer({
      disabledCommands: ['STARTTLS'],
      authOptional: true,
      onData(stream, session, callback) {
        stream.resume().once('end', () => {
          mails.push(session.id);
          take = callback;
          arrive();
        });
      },
    });
    const listener = server.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const { port } = listener.address() as AddressInfo;
    const mailer = createSmtpMailer({ url: `smtp://127.0.0.1:${port}`, from: 'orders@example.com' });
    try {
      const mail = { to: 'ops@example.com', subject: 's', text: 't' };
      const sending = sendBy(db.database, () => mailer.send(KEY, mail));
      await arrived;
      const { rows: open } = await second.query(
        `select state, query from pg_stat_activity where datname = 'orders' and state like 'idle in transaction%'`,
      );
      expect(open).toEqual([]);
      await second.query(`select from ${table} for update nowait`);
      expect(await unsent()).toEqual(['other']);
      await sendBy(second, () => mailer.send(KEY, mail));
      take();
      await sending;
    } finally {
      await mailer.close();
      await new Promise<void>((closed) => server.close(closed));
    }
    expect(mails).toHaveLength(1);
    expect(await unsent()).toEqual(['other']);
  });

  it('can be sent by the other app at once when it could not be sent', async () => {
    const away = new Error('the mail server is away');
    await expect(sendBy(db.database, () => Promise.reject(away))).rejects.toBe(away);
    expect(await unsent()).toEqual([KEY, 'other']);
    const mail = createSend();
    mail.end();
    await sendBy(second, mail.send);
    expect(mail.count()).toBe(1);
  });

  it('waits until who gave it up is surely over with it, when nobody answered in time', async () => {
    const late = new OutsideError('mailTimeout', 'it was not sent within 60000 ms');
    const mail = createSend();
    mail.end();
    await expect(sendBy(db.database, () => Promise.reject(late))).rejects.toBe(late);
    db.clock.advance(2 * MAIL_DEADLINE - 1);
    expect(await unsent()).toEqual(['other']);
    await sendBy(second, mail.send);
    expect(mail.count()).toBe(0);
    db.clock.advance(1);
    expect(await unsent()).toEqual([KEY, 'other']);
    await sendBy(second, mail.send);
    expect(mail.count()).toBe(1);
    expect(await unsent()).toEqual(['other']);
  });

  it('is sent by the other app when who sends it dies, but not before it is surely over with that', async () => {
    const [lost, next] = [createSend(), createSend()];
    const dead = sendBy(db.database, lost.send);
    await lost.begun;
    db.clock.advance(MAIL_DEADLINE + 1);
    await sendBy(second, next.send);
    expect(next.count()).toBe(0);
    db.clock.advance(MAIL_DEADLINE);
    expect(await unsent()).toEqual([KEY, 'other']);
    const sending = sendBy(second, next.send);
    await next.begun;
    // It was only slow. That it has failed gives back nothing which somebody else has by now.
    lost.end(new Error('given up'));
    await expect(dead).rejects.toThrow('given up');
    expect(await unsent()).toEqual(['other']);
    next.end();
    await sending;
    expect(await unsent()).toEqual(['other']);
  });

  it('stays sent when it went out late and whoever took it over fails', async () => {
    const [late, next] = [createSend(), createSend()];
    const first = sendBy(db.database, late.send);
    await late.begun;
    db.clock.advance(2 * MAIL_DEADLINE);
    const sending = sendBy(second, next.send);
    await next.begun;
    late.end();
    await first;
    next.end(new Error('the mail server is away'));
    await expect(sending).rejects.toThrow('the mail server is away');
    expect(await unsent()).toEqual(['other']);
  });

  it('is sent once beside a build that knows no leases, whichever is first', async () => {
    const ours = createSend();
    const sending = sendBy(db.database, ours.send);
    await ours.begun;
    const theirs = createSend();
    theirs.end();
    await sendAsBefore(second, theirs.send);
    expect(theirs.count()).toBe(0);
    ours.end(new Error('the mail server is away'));
    await expect(sending).rejects.toThrow();
    await sendAsBefore(second, theirs.send);
    expect(theirs.count()).toBe(1);
    await sendBy(db.database, ours.send);
    expect(ours.count()).toBe(1);
  });

  it('waits for a build that knows no leases, and leaves what that has sent', async () => {
    const theirs = createSend();
    const sending = sendAsBefore(second, theirs.send);
    await theirs.begun;
    const ours = createSend();
    const waiting = sendBy(db.database, ours.send);
    theirs.end();
    await Promise.all([sending, waiting]);
    expect({ theirs: theirs.count(), ours: ours.count() }).toEqual({ theirs: 1, ours: 0 });
  });
});
