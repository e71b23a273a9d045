import { createRedriver } from '../../../src/triggers/dead-letter-redrive';
import { listDeadLetters, showDeadLetter, sumUpDeadLetters } from '../../../src/triggers/http/show-dead-letters';
import {
  discardDeadLetter,
  editDeadLetter,
  redriveDeadLetter,
  redriveDeadLetters,
} from '../../../src/triggers/http/steer-dead-letters';
import { createInMemoryDeadLetters } from '../../support/in-memory-dead-letters';
import { createInMemorySender } from '../../support/in-memory-sender';
import { callHttp } from '../../support/invoke';
import type { Answer } from '../../support/invoke';
import { createTestClock } from '../../support/orders-database';
import { sampleDeadLetter, sampleMessage } from '../../support/sample-dead-letters';

const order = {
  orderId: 'o-1',
  customerId: 'ALFKI',
  lines: [{ sku: 'tea', quantity: 1 }],
  paymentMethod: 'pm_card_visa',
};
const NEVER = 'dl-000000000000000000000000';
type Letter = ReturnType<typeof sampleDeadLetter>;

function createDesk() {
  const clock = createTestClock();
  const deadLetters = createInMemoryDeadLetters(clock);
  const sender = createInMemorySender();
  const pauses: number[] = [];
  const pause = async (milliseconds: number): Promise<void> => {
    pauses.push(milliseconds);
    clock.advance(milliseconds);
  };
  const redriver = createRedriver({ deadLetters, sender, clock, pause });
  const deps = { deadLetters, redriver, clock };
  const base = '/api/dead-letters';
  return {
    ...{ clock, deadLetters, sender, pauses, redriver },
    async keep(...letters: Letter[]) {
      for (const letter of letters) {
        await deadLetters.keep(letter);
        clock.advance(1_000);
      }
    },
    list: async (query = '') => callHttp(listDeadLetters(deps), 'GET', `${base}${query}`),
    sumUp: async (query = '') => callHttp(sumUpDeadLetters(deps), 'GET', `${base}/summary${query}`),
    show: async (id: string) => callHttp(showDeadLetter(deps), 'GET', `${base}/${id}`, { params: { id } }),
    edit: async (id: string, body: unknown) =>
      callHttp(editDeadLetter(deps), 'PATCH', `${base}/${id}`, { params: { id }, body }),
    discard: async (id: string, body: unknown) =>
      callHttp(discardDeadLetter(deps), 'POST', `${base}/${id}/discard`, { params: { id }, body }),
    redrive: async (id: string, body: unknown) =>
      callHttp(redriveDeadLetter(deps), 'POST', `${base}/${id}/redrive`, { params: { id }, body }),
    redriveMany: async (body: unknown) => callHttp(redriveDeadLetters(deps), 'POST', `${base}/redrive`, { body }),
  };
}

let desk: ReturnType<typeof createDesk>;
beforeEach(() => {
  desk = createDesk();
});

function expectProblem(answer: Answer, status: number, code: string, paths?: string[]): void {
  expect(answer).toMatchObject({
    status,
    headers: { 'content-type': 'application/problem+json' },
    body: { status, code },
  });
  if (!paths) return;
  const { violations } = answer.body as { violations: { path: string }[] };
  expect(violations.map(({ path }) => path)).toEqual(paths);
}
const idsOf = ({ body }: Answer): string[] =>
  (body as { deadLetters: { id: string }[] }).deadLetters.map(({ id }) => id);
const [a, b, c] = ['a', 'bb', 'ccc'].map((id) => sampleDeadLetter(id)) as [Letter, Letter, Letter];
const ann = { by: 'Ann' };

describe('GET /api/dead-letters', () => {
  it('lists them newest first, a page at a time, without what they say', async () => {
    await desk.keep(a, b, c);
    const first = await desk.list('?limit=2&reason=invalid_message&code=secret');
    expect(idsOf(first)).toEqual([c.id, b.id]);
    const { next, deadLetters } = first.body as { next: string; deadLetters: object[] };
    expect(next).toBe(`/api/dead-letters?limit=2&reason=invalid_message&after=${b.id}`);
    expect(deadLetters[0]).toMatchObject({ entity: 'orders', status: 'open', storedAt: '2026-01-05T10:00:02.000Z' });
    expect(deadLetters[0]).not.toHaveProperty('message');
    const second = await desk.list(next.slice('/api/dead-letters'.length));
    expect(idsOf(second)).toEqual([a.id]);
    expect(second.body).not.toHaveProperty('next');
  });

  it('says everything that is wrong with a query', async () => {
    const answer = await desk.list('?reason=bad&status=lost&team=x&from=noon&to=later&limit=0&after=1&entity=&wrong=1');
    expectProblem(answer, 400, 'invalidRequest', [
      'entity',
      'reason',
      'team',
      'from',
      'to',
      'status',
      'after',
      'limit',
      'wrong',
    ]);
    expectProblem(await desk.list(`?after=${NEVER}`), 400, 'invalidRequest', ['after']);
  });

  it('finds by time, as a moment or a day', async () => {
    await desk.keep(a, b);
    expect(idsOf(await desk.list('?from=2026-01-05T10:00:01Z'))).toEqual([b.id]);
    expect(idsOf(await desk.list('?to=2026-01-05'))).toEqual([]);
  });
});

describe('GET /api/dead-letters/summary', () => {
  it('counts by reason, team, entity, status and day', async () => {
    await desk.keep(a, b, sampleDeadLetter('slow', { told: 'timeout' }));
    expect(await desk.sumUp()).toMatchObject({
      status: 200,
      body: {
        total: 3,
        byReason: { invalid_message: 2, timeout: 1 },
        byTeam: { senders: 2, database: 1 },
        byEntity: { orders: 3 },
        byStatus: { open: 3 },
        days: [{ day: '2026-01-05', count: 2 }, { count: 1 }],
      },
    });
    expect((await desk.sumUp('?team=payments')).body).toMatchObject({ total: 0, days: [] });
    expectProblem(await desk.sumUp('?limit=3'), 400, 'invalidRequest', ['limit']);
  });
});

describe('GET /api/dead-letters/{id}', () => {
  it('shows the whole message, and what it would be refused for', async () => {
    await desk.keep(a);
    const { status, body } = await desk.show(a.id);
    expect(status).toBe(200);
    expect(body).toMatchObject({ id: a.id, message: a.message, history: [], description: a.description });
    expect((body as { violations: { path: string }[] }).violations.map(({ path }) => path)).toContain(
      'body.customerId',
    );
  });

  it('knows no others', async () => {
    expectProblem(await desk.show(NEVER), 404, 'unknownDeadLetter');
    expectProblem(await desk.show('x'), 404, 'unknownDeadLetter');
  });
});

describe('PATCH /api/dead-letters/{id}', () => {
  it('changes what will be redriven, and remembers who did it', async () => {
    await desk.keep(a);
    const answer = await desk.edit(a.id, {
      by: 'Ann',
      note: 'asked the sender',
      body: { json: order },
      properties: { mended: true },
    });
    expect(answer).toMatchObject({
      status: 200,
      body: {
        edits: 1,
        violations: [],
        message: a.message,
        edited: { body: { kind: 'text', text: JSON.stringify(order) }, applicationProperties: { mended: true } },
        history: [{ by: 'Ann', action: 'edited', note: 'body, properties.mended: asked the sender' }],
      },
    });
    await desk.redrive(a.id, ann);
    expect(desk.sender.sent).toMatchObject([
      { address: 'orders', message: { messageId: `${a.id}/1`, body: { text: JSON.stringify(order) } } },
    ]);
  });

  it('refuses what the consumer would refuse, with all that is wrong with it', async () => {
    await desk.keep(a);
    const wrong = { ...order, customerId: '', lines: [] };
    expectProblem(await desk.edit(a.id, { ...ann, body: { json: wrong } }), 400, 'invalidRequest', [
      'body.customerId',
      'body.lines',
    ]);
    expectProblem(await desk.edit(a.id, { ...ann, body: { text: '{' } }), 400, 'invalidRequest', ['body']);
    expectProblem(await desk.edit(a.id, ann), 400, 'invalidRequest', ['']);
    expectProblem(await desk.edit(a.id, { body: {}, colour: 'red' }), 400, 'invalidRequest', ['by', 'body', 'colour']);
    expectProblem(await desk.edit(NEVER, { ...ann, body: { json: order } }), 404, 'unknownDeadLetter');
    expect((await desk.deadLetters.find(a.id))?.history).toEqual([]);
  });

  it('is too late once it was redriven', async () => {
    await desk.keep(a);
    await desk.redrive(a.id, ann);
    expectProblem(await desk.edit(a.id, { ...ann, body: { json: order } }), 409, 'notAllowed');
  });
});

describe('POST /api/dead-letters/{id}/discard', () => {
  it('keeps it from being redriven', async () => {
    await desk.keep(a);
    expect(await desk.discard(a.id, { ...ann, note: 'a test' })).toMatchObject({
      status: 200,
      body: { status: 'discarded' },
    });
    expectProblem(await desk.discard(a.id, ann), 409, 'notAllowed');
    expectProblem(await desk.redrive(a.id, ann), 409, 'notAllowed');
    expectProblem(await desk.redrive(a.id, { ...ann, dryRun: true }), 409, 'notAllowed');
    expectProblem(await desk.discard(a.id, {}), 400, 'invalidRequest', ['by']);
    expect(desk.sender.sent).toEqual([]);
  });
});

describe('POST /api/dead-letters/{id}/redrive', () => {
  it('sends it to where it came from, once', async () => {
    await desk.keep(a);
    const answer = await desk.redrive(a.id, ann);
    expect(answer).toMatchObject({
      status: 200,
      body: { dryRun: false, id: a.id, address: 'orders', messageId: `${a.id}/0` },
    });
    expectProblem(await desk.redrive(a.id, ann), 409, 'notAllowed');
    expectProblem(await desk.redrive(NEVER, ann), 404, 'unknownDeadLetter');
    expect(desk.sender.sent).toHaveLength(1);
    expect(await desk.deadLetters.find(a.id)).toMatchObject({
      status: 'redriven',
      history: [{ action: 'redriving' }, { action: 'redriven', by: 'Ann', note: `${a.id}/0 to orders` }],
    });
  });

  it('says what it would send when it is tried, and sends nothing', async () => {
    await desk.keep(a);
    const { body } = await desk.redrive(a.id, { ...ann, dryRun: true });
    expect(body).toMatchObject({ dryRun: true, address: 'orders', bytes: 15 });
    expect((body as { violations: object[] }).violations.length).toBeGreaterThan(0);
    expect(desk.sender.sent).toEqual([]);
    expect(await desk.deadLetters.find(a.id)).toMatchObject({ status: 'open', attempts: 0 });
  });

  it('leaves it open when the broker is gone', async () => {
    await desk.keep(a);
    desk.sender.failNext('before');
    expectProblem(await desk.redrive(a.id, ann), 503, 'unavailable');
    expect(await desk.deadLetters.find(a.id)).toMatchObject({ status: 'open', attempts: 1 });
    expect((await desk.redrive(a.id, ann)).status).toBe(200);
  });

  it('sends the same message again when nobody knows whether it was sent', async () => {
    await desk.keep(a);
    desk.sender.failNext('after');
    await desk.redrive(a.id, ann);
    await desk.redrive(a.id, ann);
    const ids = desk.sender.sent.map(({ message }) => message.messageId);
    expect(ids).toEqual([`${a.id}/0`, `${a.id}/0`]);
  });

  it('goes on two minutes after whoever was sending it died', async () => {
    await desk.keep(a);
    const dying = { ...desk.deadLetters, endRedrive: async () => Promise.reject(new Error('killed')) };
    const { sender, clock } = desk;
    const redriver = createRedriver({ deadLetters: dying, sender, clock, pause: async () => undefined });
    await expect(redriver.redrive(a.id, ann)).rejects.toThrow('killed');
    expectProblem(await desk.redrive(a.id, ann), 409, 'notAllowed');
    expectProblem(await desk.edit(a.id, { ...ann, body: { json: order } }), 409, 'notAllowed');
    desk.clock.advance(120_001);
    expect((await desk.redrive(a.id, { by: 'Bob' })).status).toBe(200);
    const ids = desk.sender.sent.map(({ message }) => message.messageId);
    expect(ids).toEqual([`${a.id}/0`, `${a.id}/0`]);
  });
});

describe('POST /api/dead-letters/redrive', () => {
  interface Outcome {
    readonly total: number;
    readonly redriven: readonly { readonly id: string }[];
    readonly failed: readonly object[];
    readonly next?: object;
  }
  const redrivenIn = ({ body }: Answer) => (body as Outcome).redriven.map(({ id }) => id);
  const nextOf = ({ body }: Answer) => (body as Outcome).next;
  const late = sampleDeadLetter('late', { told: 'timeout' });

  it('sends all that match, oldest first, no faster than asked, in parts that follow each other', async () => {
    await desk.keep(a, late, b, c);
    const first = await desk.redriveMany({ ...ann, reason: 'invalid_message', limit: 2, perSecond: 4 });
    expect(first).toMatchObject({ status: 200, body: { dryRun: false, total: 3, failed: [], stopped: false } });
    expect(redrivenIn(first)).toEqual([a.id, b.id]);
    expect(desk.pauses).toEqual([250]);
    const second = await desk.redriveMany(nextOf(first));
    expect(redrivenIn(second)).toEqual([c.id]);
    expect(nextOf(second)).toBeUndefined();
    expect(desk.sender.sent.map(({ message }) => message.messageId)).toEqual([a, b, c].map(({ id }) => `${id}/0`));
    expect(await desk.deadLetters.find(late.id)).toMatchObject({ status: 'open' });
  });

  it('says what it would send when it is tried, and sends nothing', async () => {
    await desk.keep(a, b, c);
    const first = await desk.redriveMany({ ...ann, dryRun: true, limit: 2 });
    expect(first.body).toMatchObject({
      dryRun: true,
      total: 3,
      redriven: [{ id: a.id, address: 'orders' }, { id: b.id }],
    });
    expect(redrivenIn(await desk.redriveMany(nextOf(first)))).toEqual([c.id]);
    expect(desk.sender.sent).toEqual([]);
    expect(desk.pauses).toEqual([]);
  });

  it('does not redrive what comes back meanwhile', async () => {
    await desk.keep(a, b);
    const first = await desk.redriveMany({ ...ann, limit: 1 });
    await desk.keep(sampleDeadLetter('back'));
    const second = await desk.redriveMany(nextOf(first));
    expect(redrivenIn(second)).toEqual([b.id]);
    expect(nextOf(second)).toBeUndefined();
  });

  it('ends a request after twenty seconds, and says where to go on', async () => {
    await desk.keep(a, b, c);
    const first = await desk.redriveMany({ ...ann, perSecond: 0.1 });
    // At 0, 10 and 20 seconds.
    expect(redrivenIn(first)).toEqual([a.id, b.id, c.id]);
    const more = ['d4', 'e55', 'f666', 'g7777'].map((id) => sampleDeadLetter(id));
    await desk.keep(...more);
    const second = await desk.redriveMany({ ...ann, perSecond: 0.1 });
    expect(redrivenIn(second)).toEqual(more.slice(0, 3).map(({ id }) => id));
    expect(redrivenIn(await desk.redriveMany(nextOf(second)))).toEqual([more[3]!.id]);
  });

  it('goes on after one that can not be sent, and stops when one after another fails', async () => {
    await desk.keep(a, b);
    desk.sender.failNext('before');
    const once = await desk.redriveMany(ann);
    expect(once.body).toMatchObject({ redriven: [{ id: b.id }], failed: [{ id: a.id }], stopped: false });
    expect(nextOf(once)).toBeUndefined();
    await desk.keep(c, late);
    desk.sender.failNext('before', 3);
    const stopped = await desk.redriveMany(ann);
    expect(stopped.body).toMatchObject({ total: 3, redriven: [], stopped: true });
    expect((stopped.body as Outcome).failed).toHaveLength(3);
    expect(await desk.deadLetters.list({ status: 'open' }, { limit: 9 })).toHaveLength(3);
  });

  it('sends each once when several ask at the same time', async () => {
    await desk.keep(a, b, c);
    await Promise.all(Array.from({ length: 4 }, async () => desk.redriveMany({ ...ann, perSecond: 1_000 })));
    expect(desk.sender.sent.map(({ message }) => message.messageId).sort()).toEqual(
      [a, b, c].map(({ id }) => `${id}/0`).sort(),
    );
  });

  it('says everything that is wrong with a request', async () => {
    const wrong = { limit: 0, perSecond: 0, reason: 'x', dryRun: 'yes', status: 'open' };
    expectProblem(await desk.redriveMany(wrong), 400, 'invalidRequest', [
      'by',
      'dryRun',
      'reason',
      'limit',
      'perSecond',
      'status',
    ]);
    expectProblem(await desk.redriveMany({ ...ann, after: NEVER }), 400, 'invalidRequest', ['after']);
  });

  it('sends dead letters of a subscription to its topic, for it alone', async () => {
    const entity = 'order-events/Subscriptions/e-mail';
    await desk.keep(sampleDeadLetter('event', { entity, message: sampleMessage('event', '{}', { sessionId: 'o-1' }) }));
    await desk.redriveMany({ ...ann, entity });
    expect(desk.sender.sent).toMatchObject([
      { address: 'order-events', message: { sessionId: 'o-1', applicationProperties: { redriveTo: 'e-mail' } } },
    ]);
  });
});
