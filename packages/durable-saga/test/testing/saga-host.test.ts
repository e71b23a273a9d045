import { z } from 'zod';
import { activity, saga } from '../../src';
import { createSagaHost, SagaDivergence } from '../../src/testing';
import { authorise, capture, confirm, reserve, sell, settleSale, ship, Shop, threeLines } from '../support/shop';

const activities = [reserve, authorise, capture, ship, confirm, settleSale];

function open() {
  const shop = new Shop();
  return { shop, host: createSagaHost({ sagas: [sell], activities, ports: { shop } }) };
}

describe('a host for tests of sagas', () => {
  it('takes a saga through days in no time, by the client of production', async () => {
    const { shop, host } = open();
    const sale = await host.start(sell, { ...threeLines, needsApproval: true }, { id: 's1' });
    expect(await sale.status()).toMatchObject({ state: 'waiting', waitingFor: { event: 'approval' } });
    await host.advance('11 hours');
    expect(await sale.raise('approval', { approved: true })).toEqual({ accepted: true, confirmed: true });
    expect(await host.result(sell, 's1')).toEqual({ outcome: 'completed', result: { tracking: 'T-s1/ship#1' } });
    expect(shop.books).toMatchObject({ stock: 94, captured: 600 });
    const lines = host.timeline().map((line) => line.trim().replaceAll(/ +/g, ' '));
    expect(lines).toContain("+11h s1 event 'approval' arrives");
    expect(lines.at(-1)).toBe('+11h s1 is completed');
  });

  it('lets an approval run out, and takes everything back', async () => {
    const { shop, host } = open();
    await host.start(sell, { ...threeLines, needsApproval: true }, { id: 's1' });
    expect(await host.result(sell, 's1')).toMatchObject({
      outcome: 'compensated',
      failure: { code: 'approvalTimedOut' },
    });
    expect(host.timeline().find((line) => line.includes('is compensating'))).toContain('+12h');
    expect(shop.books).toMatchObject({ stock: 100, reserved: 0 });
  });

  it('says where a saga stands that has not ended', async () => {
    const waits = saga(
      { name: 'waits', version: '1', input: z.object({}), events: { go: z.object({}) } },
      function* (saga) {
        yield* saga.waitFor('go');
      },
    );
    const host = createSagaHost({ sagas: [waits], activities: [], ports: {} });
    await host.start(waits, {}, { id: 'w1' });
    await expect(host.result(waits, 'w1')).rejects.toThrow("saga 'w1' has not ended: it waits for the event 'go'");
  });

  it('fails where a body is not deterministic, with the step and both lines', async () => {
    let runs = 0;
    const note = activity({ name: 'note', input: z.object({ n: z.int() }), run: () => async () => undefined });
    const counts = saga({ name: 'counts', version: '1', input: z.object({}) }, function* (saga) {
      runs += 1;
      const n = runs;
      yield* saga.call(note, { n: 1 });
      yield* saga.call(note, { n });
    });
    const host = createSagaHost({ sagas: [counts], activities: [note], ports: {} });
    const failure: unknown = await host.start(counts, {}, { id: 'c1' }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(SagaDivergence);
    expect(failure).toMatchObject({
      turn: 2,
      step: 'c1/note#2',
      ran: '#1 activity note {"$step":{"key":"c1/note#2"},"input":{"n":1}}',
      replayed: '#1 activity note {"$step":{"key":"c1/note#2"},"input":{"n":3}}',
    });
    expect((failure as Error).message).toContain(
      "saga 'c1' is not deterministic: its replay parts from it in turn 2, at 'c1/note#2'",
    );
  });
});
