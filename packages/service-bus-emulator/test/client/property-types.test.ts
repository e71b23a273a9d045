import rhea from 'rhea';
import { startEmulator, type Emulator } from '../../src/emulator';
import { asText, eachItem, readValue } from '../../src/message/decode';
import { readSection, SECTION } from '../../src/message/sections';
import { createRequester } from '../support/requester';

const { types } = rhea;

/** One of each type that a property can have and JavaScript's values don't tell apart. */
const typed: Readonly<Record<string, rhea.Typed>> = {
  int: types.wrap_int(500),
  long: types.wrap_long(500),
  largest: types.wrap_long(Buffer.from('7fffffffffffffff', 'hex')),
  ulong: types.wrap_ulong(500),
  short: types.wrap_short(5),
  double: types.wrap_double(5),
  float: types.wrap_float(0.5),
  time: types.wrap_timestamp(1_767_225_600_000),
  uuid: types.wrap_uuid(Buffer.from('00112233445566778899aabbccddeeff', 'hex')),
  symbol: types.wrap_symbol('s'),
  text: types.wrap_string('t'),
  yes: types.wrap_boolean(true),
};

const hexOf = (value: rhea.Typed): string => {
  const writer = new (
    types as unknown as { Writer: new () => { write(value: unknown): void; toBuffer(): Buffer } }
  ).Writer();
  writer.write(value);
  return writer.toBuffer().toString('hex');
};

/** The encoded application properties of a content, by name. */
function propertiesIn(content: Buffer): Record<string, string> {
  const found: Record<string, string> = {};
  const section = { code: 0, valueAt: 0, end: 0 };
  for (let at = 0; at < content.length; at = section.end) {
    readSection(content, at, section);
    if (section.code !== SECTION.applicationProperties) continue;
    let name = '';
    eachItem(content, section.valueAt, 'a map', (index, from, to) => {
      if (index % 2 === 0) name = asText(readValue(content, from)) ?? '';
      else found[name] = content.toString('hex', from, to);
    });
  }
  return found;
}

/** A delivery's tag as a lock token: the first three groups the other way round. */
function toToken(tag: Buffer): Buffer {
  const token = Buffer.from(tag);
  for (const [from, to] of [
    [0, 4],
    [4, 6],
    [6, 8],
  ])
    token.subarray(from, to).reverse();
  return token;
}

describe('properties that a client changes when it settles', () => {
  let emulator: Emulator;
  let connection: rhea.Connection;
  let deliveries: rhea.Delivery[];
  beforeEach(async () => {
    emulator = await startEmulator({ config: { queues: [{ name: 'work' }], topics: [] } });
    const port = Number(/:(\d+);/.exec(emulator.connectionString)![1]);
    connection = rhea.create_container().connect({ host: '127.0.0.1', port, username: 'anonymous', reconnect: false });
    const sender = connection.open_sender('work');
    await new Promise((resolve) => sender.once('sendable', resolve));
    for (const body of ['a', 'b', 'c']) sender.send({ body });
    const receiver = connection.open_receiver({ source: 'work', credit_window: 0, autoaccept: false });
    deliveries = await new Promise((resolve) => {
      const come: rhea.Delivery[] = [];
      receiver.on('message', ({ delivery }) => {
        if (come.push(delivery as rhea.Delivery) === 3) resolve(come);
      });
      receiver.add_credit(3);
    });
  });
  afterEach(async () => {
    connection.close();
    await emulator.close();
  });

  const expected = Object.fromEntries(Object.entries(typed).map(([name, value]) => [name, hexOf(value)]));

  it('keep the types that it sent: abandoned, dead-lettered, and through $management', async () => {
    const [abandoned, dead, managed] = deliveries;
    abandoned!.modified({ delivery_failed: true, undeliverable_here: false, message_annotations: typed });
    // rhea tells the outcomes of one turn as one.
    await new Promise((resolve) => setImmediate(resolve));
    const info = { ...typed, DeadLetterReason: 'bad' };
    dead!.reject({ condition: 'com.microsoft:dead-letter', description: '', info });
    const request = createRequester(connection, 'work/$management');
    const answer = await request('com.microsoft:update-disposition', {
      'disposition-status': 'abandoned',
      'lock-tokens': types.wrap_array([toToken(managed!.tag as Buffer)] as never, 0x98, undefined),
      'properties-to-modify': typed,
    });
    expect(answer).toMatchObject({ status: 200 });
    const kept = [...emulator.broker.peek('work', 1, 10), ...emulator.broker.peek('work/$DeadLetterQueue', 1, 10)];
    expect(kept.map(({ content }) => propertiesIn(content))).toEqual([
      expected,
      expected,
      { ...expected, DeadLetterReason: hexOf(types.wrap_string('bad')) },
    ]);
  });

  it('are refused when they are lists', async () => {
    const request = createRequester(connection, 'work/$management');
    const answer = await request('com.microsoft:update-disposition', {
      'disposition-status': 'abandoned',
      'lock-tokens': types.wrap_array([toToken(deliveries[0]!.tag as Buffer)] as never, 0x98, undefined),
      'properties-to-modify': { many: [1, 2] },
    });
    expect(answer).toMatchObject({
      condition: 'amqp:invalid-field',
      description: 'property "many" cannot be changed to a list or a map',
    });
  });
});
