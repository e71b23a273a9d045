import { openSecureNamespace, type SecureNamespace } from '../support/tls-client';

jest.setTimeout(60_000);

const sasKeys = [{ name: 'Root', key: 'b3Blbg==' }];
const real = process.env['SERVICE_BUS_CONNECTION_STRING'] !== undefined;
/** A real namespace has no keys that a test could choose. */
const here = real ? describe.skip : describe;

here("Microsoft's clients over TLS, with keys", () => {
  let namespace: SecureNamespace;

  beforeAll(async () => {
    namespace = await openSecureNamespace({ config: { queues: [{ name: 'orders' }], topics: [] }, sasKeys });
  });
  afterAll(() => namespace.close());

  it('exchange messages over AMQP', async () => {
    expect(await namespace.exchange('orders', ['one', { two: 2 }])).toEqual(['one', { two: 2 }]);
  });

  it('exchange messages over WebSockets', async () => {
    const bodies = Array.from({ length: 50 }, (_, n) => `${n}${'x'.repeat(2_000)}`);
    expect(await namespace.exchange('orders', bodies, { webSockets: true })).toEqual(bodies);
  });

  it.each([
    ['AMQP', false],
    ['WebSockets', true],
  ])('are refused over %s with a key that is not one', async (_what, webSockets) => {
    await expect(
      namespace.exchange('orders', ['x'], { webSockets, keyName: 'Root', key: 'Z3Vlc3NlZA==' }),
    ).rejects.toMatchObject({ code: 'UnauthorizedAccess' });
  });

  it('manage entities, on the same port', async () => {
    expect(await namespace.admin('queueExists', 'orders')).toBe(true);
  });
});
