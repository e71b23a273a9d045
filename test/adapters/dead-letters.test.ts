import { OutsideError } from '../../src/adapters/outside-error';
import { createPostgresDeadLetters } from '../../src/adapters/postgres-dead-letters';
import type { DeadLetterFilter } from '../../src/domain/dead-letter';
import { MAIL_DEADLINE } from '../../src/ports';
import type { DeadLetters } from '../../src/ports';
import { createInMemoryDeadLetters } from '../support/in-memory-dead-letters';
import { createTestClock, startOrdersDatabase } from '../support/orders-database';
import type { OrdersDatabase, TestClock } from '../support/orders-database';
import { sampleDeadLetter, sampleMessage } from '../support/sample-dead-letters';

const DAY = 86_400_000;
let db: OrdersDatabase;
beforeAll(async () => {
  db = await startOrdersDatabase();
}, 60_000);
afterAll(() => db.stop());

describe.each(['postgres', 'memory'] as const)('dead letters in %s', (kind) => {
  let clock: TestClock;
  let letters: DeadLetters;
  beforeEach(async () => {
    if (kind === 'memory') {
      clock = createTestClock();
      letters = createInMemoryDeadLetters(clock);
    } else {
      clock = db.clock;
      letters = createPostgresDeadLetters(db.database, clock);
      await db.database.query('truncate dead_letters, dead_letter_notices, dead_letter_actions');
    }
  });

  const ann = { by: 'Ann' };
  const nothing = () => Promise.resolve();
  const never = new Date(0);
  const [a, b, c] = ['a', 'bb', 'ccc'].map((id) => sampleDeadLetter(id)) as [Letter, Letter, Letter];
  type Letter = ReturnType<typeof sampleDeadLetter>;
  const keepAll = async (...all: Letter[]): Promise<void> => {
    for (const letter of all) {
      await letters.keep(letter);
      clock.advance(1_000);
    }
  };
  const idsOf = (found: readonly { readonly id: string }[]): string[] => found.map(({ id }) => id);

  it('are kept once, as they were found', async () => {
    const storedAt = clock.now();
    expect(await letters.keep(a)).toBe('kept');
    clock.advance(1_000);
    expect(await letters.keep({ ...a, description: 'read again' })).toBe('known');
    const { message, ...summary } = a;
    const expected = {
      ...summary,
      ...{ messageId: 'a', sessionId: undefined, status: 'open', edits: 0, attempts: 0, storedAt, updatedAt: storedAt },
    };
    expect(await letters.find(a.id)).toEqual({ ...expected, message, edited: undefined, history: [] });
    expect(await letters.list({}, { limit: 9 })).toEqual([expected]);
    expect(await letters.find(b.id)).toBeUndefined();
  });

  it('keep everything that a message can say, letters included that no text column keeps', async () => {
    const message = sampleMessage('odd', 'zero \0 in it', {
      sessionId: 's-1',
      timeToLiveMs: 5_000,
      applicationProperties: {
        'nul \0': 'half a pair \ud83d',
        when: { $date: '2026-01-01T00:00:00.000Z' },
        n: 1.5,
        no: null,
      },
    });
    const odd = sampleDeadLetter('odd', { message, description: 'with \0 and \ud83d' });
    await letters.keep(odd);
    expect(await letters.find(odd.id)).toMatchObject({ message, sessionId: 's-1' });
    const bytes = sampleDeadLetter('bytes', { message: { ...message, body: { kind: 'base64', base64: '/wA=' } } });
    await letters.keep(bytes);
    expect((await letters.find(bytes.id))?.message.body).toEqual({ kind: 'base64', base64: '/wA=' });
  });

  it('are listed newest first, page by page, by all that a filter says', async () => {
    const start = clock.now();
    const late = sampleDeadLetter('dddd', { entity: 'order-events/Subscriptions/e-mail', told: 'timeout' });
    await keepAll(a, b, c, late);
    await letters.discard(b.id, ann);
    const ids = async (filter: DeadLetterFilter, after?: Letter, limit = 9) =>
      idsOf(await letters.list(filter, { after: after?.id, limit }));
    expect(await ids({})).toEqual(idsOf([late, c, b, a]));
    expect(await ids({}, undefined, 2)).toEqual(idsOf([late, c]));
    expect(await ids({}, c)).toEqual(idsOf([b, a]));
    expect(await ids({ status: 'open' }, late)).toEqual(idsOf([c, a]));
    expect(await ids({ status: 'discarded' })).toEqual(idsOf([b]));
    expect(await ids({ entity: 'order-events/subscriptions/E-MAIL' })).toEqual(idsOf([late]));
    expect(await ids({ reason: 'timeout' })).toEqual(idsOf([late]));
    expect(await ids({ team: 'senders' })).toEqual(idsOf([c, b, a]));
    const from = new Date(start.getTime() + 1_000);
    expect(await ids({ from, to: new Date(from.getTime() + 1_000) })).toEqual(idsOf([b]));
  });

  it('remember who edited them and how, and are redriven as edited', async () => {
    await letters.keep(a);
    clock.advance(1_000);
    const message = sampleMessage('a', '{"mended":true}');
    const edited = await letters.edit(a.id, message, { by: 'Ann', note: 'body' });
    expect(edited).toMatchObject({
      kind: 'done',
      letter: { message: a.message, edited: message, edits: 1, updatedAt: clock.now() },
    });
    expect((await letters.find(a.id))?.history).toEqual([
      { at: clock.now(), by: 'Ann', action: 'edited', note: 'body' },
    ]);
    expect(await letters.edit(b.id, message, ann)).toEqual({ kind: 'unknown' });
    await letters.discard(a.id, { by: 'Bob', note: 'of no use' });
    expect(await letters.edit(a.id, message, ann)).toEqual({ kind: 'notAllowed', status: 'discarded' });
    expect(await letters.discard(a.id, ann)).toEqual({ kind: 'notAllowed', status: 'discarded' });
    expect(await letters.beginRedrive(a.id, never, ann)).toEqual({ kind: 'notAllowed', status: 'discarded' });
  });

  it('are redriven by one of many who want to at once', async () => {
    await letters.keep(a);
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, (_, n) => letters.beginRedrive(a.id, never, { by: `operator ${n}` })),
    );
    expect(outcomes.filter(({ kind }) => kind === 'done')).toHaveLength(1);
    expect(outcomes.filter(({ kind }) => kind === 'notAllowed')).toHaveLength(7);
    await letters.endRedrive({ id: a.id, attempts: 1 }, ann);
    expect(await letters.find(a.id)).toMatchObject({ status: 'redriven', attempts: 1 });
    expect(await letters.beginRedrive(a.id, clock.now(), ann)).toEqual({ kind: 'notAllowed', status: 'redriven' });
  });

  it('are open again when they could not be sent, and taken from whoever never came back', async () => {
    await letters.keep(a);
    await letters.beginRedrive(a.id, never, ann);
    expect(await letters.edit(a.id, sampleMessage('a'), ann)).toEqual({ kind: 'notAllowed', status: 'redriving' });
    await letters.endRedrive({ id: a.id, attempts: 1 }, ann, 'the broker is gone');
    expect((await letters.find(a.id))?.history.map(({ action, note }) => [action, note])).toEqual([
      ['redriving', undefined],
      ['redriveFailed', 'the broker is gone'],
    ]);
    await letters.beginRedrive(a.id, never, ann);
    clock.advance(60_000);
    expect(await letters.beginRedrive(a.id, clock.now(), { by: 'Bob' })).toMatchObject({ letter: { attempts: 3 } });
    // That the earlier attempt failed after all says nothing of the later one; that it was sent does.
    await letters.endRedrive({ id: a.id, attempts: 2 }, ann, 'too late');
    expect(await letters.find(a.id)).toMatchObject({ status: 'redriving' });
    await letters.endRedrive({ id: a.id, attempts: 2 }, ann);
    expect(await letters.find(a.id)).toMatchObject({ status: 'redriven' });
    await letters.endRedrive({ id: a.id, attempts: 3 }, ann, 'too late as well');
    expect(await letters.find(a.id)).toMatchObject({ status: 'redriven' });
  });

  it('are found for a redrive oldest first, whether open or left behind by somebody', async () => {
    await keepAll(a, b, c);
    await letters.beginRedrive(b.id, never, ann);
    const find = async (begunBefore: Date, after?: Letter, limit = 9) =>
      letters.listRedrivable({ reason: 'invalid_message' }, { after: after?.id, limit, begunBefore });
    expect(await find(never)).toEqual(idsOf([a, c]));
    clock.advance(1_000);
    expect(await find(clock.now())).toEqual(idsOf([a, b, c]));
    expect(await find(clock.now(), a, 1)).toEqual(idsOf([b]));
    expect(await letters.countRedrivable({}, { after: a.id, begunBefore: clock.now() })).toBe(2);
    expect(await letters.countRedrivable({ team: 'payments' }, { begunBefore: clock.now() })).toBe(0);
    await letters.endRedrive({ id: b.id, attempts: 1 }, ann);
    expect(await find(clock.now())).toEqual(idsOf([a, c]));
  });

  it('are counted by day, entity, reason and status', async () => {
    const day = (): string => clock.now().toISOString().slice(0, 10);
    clock.advance(DAY - (clock.now().getTime() % DAY) - 500);
    const first = day();
    await keepAll(a);
    const second = day();
    await keepAll(b, c);
    await letters.discard(c.id, ann);
    const group = { entity: 'orders', reason: 'invalid_message', team: 'senders', count: 1 };
    expect(await letters.count({})).toEqual([
      { ...group, day: first, status: 'open' },
      { ...group, day: second, status: 'discarded' },
      { ...group, day: second, status: 'open' },
    ]);
    expect(await letters.count({ status: 'discarded' })).toMatchObject([{ day: second }]);
    expect(await letters.count({ team: 'database' })).toEqual([]);
  });

  it('are told of in one mail a reason, and not again until it was quiet for a while', async () => {
    const slow = sampleDeadLetter('slow', { told: 'timeout', entity: 'order-events/Subscriptions/e-mail' });
    await keepAll(a, b, slow, c);
    await letters.planNotices(never);
    const [about, other] = await letters.listUnsentNotices(2);
    expect(about).toMatchObject({
      reason: 'timeout',
      team: 'database',
      count: 1,
      entities: [{ entity: slow.entity, count: 1 }],
    });
    expect(other).toMatchObject({
      reason: 'invalid_message',
      team: 'senders',
      count: 3,
      entities: [{ entity: 'orders', count: 3 }],
    });
    expect(other?.letters).toMatchObject([{ id: a.id, description: a.description }, { id: b.id }]);
    expect(other?.letters).toHaveLength(2);

    const quietSince = clock.now();
    await letters.sendNotice(about!.key, nothing);
    const d = sampleDeadLetter('dddd');
    await keepAll(d);
    await letters.planNotices(new Date(quietSince.getTime() - 60_000));
    // What was planned stays as it was; what came since waits.
    expect(await letters.listUnsentNotices(2)).toEqual([other]);
    await letters.sendNotice(other!.key, nothing);
    expect(await letters.listUnsentNotices(2)).toEqual([]);
    clock.advance(60_000);
    await letters.planNotices(clock.now());
    expect(await letters.listUnsentNotices(2)).toMatchObject([{ count: 1, letters: [{ id: d.id }] }]);
  });

  /** The key of a mail that waits to be sent. */
  const planOne = async (): Promise<string> => {
    await keepAll(a);
    await letters.planNotices(never);
    const [notice] = await letters.listUnsentNotices(1);
    return notice!.key;
  };

  it('are told of by one mail, whoever sends it at the same moment, and while that takes', async () => {
    const key = await planOne();
    let takeMail: () => void = () => undefined;
    const server = new Promise<void>((taken) => (takeMail = taken));
    let sent = 0;
    const send = async (): Promise<void> => {
      sent += 1;
      // All others have come and gone before the server answers.
      await server;
    };
    const all = Array.from({ length: 4 }, () => letters.sendNotice(key, send));
    await Promise.race(all);
    expect(await letters.listUnsentNotices(1)).toEqual([]);
    takeMail();
    await Promise.all(all);
    await letters.sendNotice(key, send);
    expect(sent).toBe(1);
    expect(await letters.listUnsentNotices(1)).toEqual([]);
  });

  it('are told of again at once after a mail that failed', async () => {
    const key = await planOne();
    const away = new Error('the mail server is away');
    await expect(letters.sendNotice(key, () => Promise.reject(away))).rejects.toBe(away);
    expect(await letters.listUnsentNotices(1)).toMatchObject([{ key }]);
    let sent = 0;
    await letters.sendNotice(key, async () => void (sent += 1));
    expect(sent).toBe(1);
  });

  it('are told of again later after a mail to which nobody answered in time, since it may be on its way', async () => {
    const key = await planOne();
    const late = new OutsideError('mailTimeout', 'it was not sent in time');
    await expect(letters.sendNotice(key, () => Promise.reject(late))).rejects.toBe(late);
    let sent = 0;
    const send = async (): Promise<void> => void (sent += 1);
    await letters.sendNotice(key, send);
    expect({ sent, unsent: await letters.listUnsentNotices(1) }).toEqual({ sent: 0, unsent: [] });
    clock.advance(2 * MAIL_DEADLINE);
    await letters.sendNotice(key, send);
    expect({ sent, unsent: await letters.listUnsentNotices(1) }).toEqual({ sent: 1, unsent: [] });
  });

  it('are told of by somebody else, later, when who sends the mail dies', async () => {
    const key = await planOne();
    let fail: (error: Error) => void = () => undefined;
    let begin: () => void = () => undefined;
    const begun = new Promise<void>((resolve) => (begin = resolve));
    const dying = letters.sendNotice(key, () => {
      begin();
      return new Promise((_resolve, reject) => (fail = reject));
    });
    await begun;
    let sent = 0;
    const send = async (): Promise<void> => void (sent += 1);
    clock.advance(MAIL_DEADLINE);
    await letters.sendNotice(key, send);
    expect({ sent, unsent: await letters.listUnsentNotices(1) }).toEqual({ sent: 0, unsent: [] });
    clock.advance(MAIL_DEADLINE);
    expect(await letters.listUnsentNotices(1)).toMatchObject([{ key }]);
    await letters.sendNotice(key, send);
    expect({ sent, unsent: await letters.listUnsentNotices(1) }).toEqual({ sent: 1, unsent: [] });
    // It was not dead, only slow: what it says changes nothing any more.
    fail(new Error('given up'));
    await expect(dying).rejects.toThrow('given up');
    expect(await letters.listUnsentNotices(1)).toEqual([]);
  });

  it('are forgotten when they are old and wait for nobody, and their mails after them', async () => {
    await keepAll(a, b, c);
    await letters.planNotices(never);
    for (const { key } of await letters.listUnsentNotices(1)) await letters.sendNotice(key, nothing);
    await letters.discard(a.id, ann);
    await letters.beginRedrive(b.id, never, ann);
    await letters.endRedrive({ id: b.id, attempts: 1 }, ann);
    expect(await letters.expire(new Date(clock.now().getTime() - DAY), 9)).toBe(0);
    clock.advance(DAY);
    expect(await letters.expire(clock.now(), 1)).toBe(1);
    expect(await letters.expire(clock.now(), 9)).toBe(1);
    expect(idsOf(await letters.list({}, { limit: 9 }))).toEqual([c.id]);
    expect(await letters.expireNotices(clock.now(), 9)).toBe(0);
    await letters.discard(c.id, ann);
    expect(await letters.expire(clock.now(), 9)).toBe(1);
    expect(await letters.expireNotices(clock.now(), 9)).toBe(1);
  });
});
