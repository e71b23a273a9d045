import { openTransfer, writeAccepted } from '../../src/amqp/frames';
import { toDeliveryTag, uuidText } from '../../src/amqp/lock-token';
import { AmqpWriter } from '../../src/message/encode';

/** rhea's own reading of a frame: what a client makes of it. */
interface Frame {
  readonly channel: number;
  readonly size: number;
  readonly payload?: Buffer;
  readonly performative: Readonly<Record<string, unknown>>;
}
// eslint-disable-next-line @typescript-eslint/no-require-imports -- rhea exports its codec of frames to nobody
const { read_frame: readFrame } = require('rhea/lib/frames') as { read_frame(bytes: Buffer): Frame };

it.each([
  { channel: 0, id: 0, settled: false, more: false },
  { channel: 4_999, id: 4_294_967_295, settled: true, more: true },
])('writes a transfer that rhea reads: %p', ({ channel, ...fields }) => {
  const writer = new AmqpWriter(8);
  const payload = Buffer.from('the message');
  const tag = Buffer.from([1, 2, 3]);
  const frame = openTransfer(writer, channel, { handle: 7, tag, ...fields });
  writer.raw(payload);
  writer.closeFrame(frame);
  const bytes = writer.take();
  const read = readFrame(bytes);
  expect(read).toMatchObject({ channel, size: bytes.length, payload });
  expect(read.performative).toMatchObject({
    handle: 7,
    delivery_id: fields.id,
    delivery_tag: tag,
    message_format: 0,
    settled: fields.settled,
    more: fields.more,
  });
});

it.each([true, false])('writes a disposition that rhea reads, for deliveries that came in: %p', (cameIn) => {
  const writer = new AmqpWriter(8);
  writeAccepted(writer, 3, cameIn, 5, 70_000);
  const { channel, performative } = readFrame(writer.take());
  expect(channel).toBe(3);
  expect(performative).toMatchObject({ role: cameIn, first: 5, last: 70_000, settled: true });
  expect(performative['state']).toMatchObject({ descriptor: { value: 0x24 }, value: [] });
});

it('writes frames one behind the other', () => {
  const writer = new AmqpWriter(8);
  writeAccepted(writer, 1, false, 0, 0);
  const { length } = writer;
  writeAccepted(writer, 2, false, 1, 1);
  const bytes = writer.take();
  expect(readFrame(bytes.subarray(0, length)).performative['first']).toBe(0);
  expect(readFrame(bytes.subarray(length)).performative['first']).toBe(1);
});

it('writes a lock token as a tag in the byte order of .NET', () => {
  const tag = toDeliveryTag('00112233-4455-6677-8899-AABBccddeeff');
  expect(uuidText(tag)).toBe('33221100-5544-7766-8899-aabbccddeeff');
});
