import { settling } from '../../../src/triggers/service-bus/settlement';
import type { MessageHandler, ReceivedMessage, Settlement } from '../../../src/triggers/service-bus/settlement';
import { createContext } from '../../support/invoke';

/** What the extension hands over: the message as the client library has it, and what settles it. */
async function receive(message: object, handler: MessageHandler) {
  const calls: unknown[][] = [];
  const note =
    (name: string) =>
    async (_message: unknown, ...rest: unknown[]) =>
      void calls.push([name, ...rest]);
  const actions = { complete: note('complete'), deadletter: note('deadletter') };
  const { context, lines } = createContext();
  await settling(handler)({ messages: message, actions }, context);
  return { calls, lines };
}

const answering = (settlement: Settlement) => async () => settlement;
const raw = { messageId: 'm1', body: 'changed', _rawAmqpMessage: { body: { content: Buffer.from([0x7b, 0xff]) } } };

describe('the settlement of a message', () => {
  it('is what its handler says, with the texts wrapped as the wire has them', async () => {
    expect((await receive(raw, answering({ kind: 'complete' }))).calls).toEqual([['complete']]);
    const refused = { kind: 'deadLetter', reason: 'not_json', description: 'd'.repeat(5_000) } as const;
    const { calls, lines } = await receive(raw, answering(refused));
    expect(calls).toEqual([['deadletter', undefined, { value: 'not_json' }, { value: `${'d'.repeat(4_093)}...` }]]);
    expect(String(lines[0]!.args[0])).toMatch(/^message m1 goes to the dead letters, not_json: ddd/);
  });

  it('is left to the broker when the handler throws', async () => {
    const handler = () => Promise.reject(new Error('not now'));
    await expect(receive(raw, handler)).rejects.toThrow('not now');
  });

  it('is decided on the bytes that were sent, whatever the extension made of them', async () => {
    const taken: ReceivedMessage[] = [];
    const take: MessageHandler = async (message) => {
      taken.push(message);
      return { kind: 'complete' };
    };
    const at = new Date('2026-01-05T10:00:00.000Z');
    const about = {
      ...raw,
      subject: 's',
      correlationId: 7,
      deliveryCount: 2,
      applicationProperties: { a: 1 },
      _rawAmqpMessage: { ...raw._rawAmqpMessage, messageAnnotations: { 'x-opt-enqueued-time': at.getTime() } },
    };
    await receive(about, take);
    await receive({ body: 'text', _rawAmqpMessage: { body: 'text' } }, take);
    await receive({ body: { a: 1 }, _rawAmqpMessage: { body: { a: 1 } } }, take);
    const parts = [Buffer.from('a'), Buffer.from('b')];
    await receive({ _rawAmqpMessage: { body: { content: parts, multiple: true } } }, take);
    expect(taken[0]).toMatchObject({
      id: 'm1',
      bytes: Buffer.from([0x7b, 0xff]),
      subject: 's',
      correlationId: '7',
      deliveryCount: 2,
      properties: { a: 1 },
      enqueuedAt: at,
    });
    expect(taken.slice(1).map(({ bytes }) => bytes && Buffer.from(bytes).toString())).toEqual([
      'text',
      undefined,
      'ab',
    ]);
    expect(taken[1]).toMatchObject({ id: '', properties: {}, deliveryCount: 0, enqueuedAt: undefined });
  });
});
