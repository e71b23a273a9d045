import { createHmac } from 'node:crypto';
import { realClock } from '../src/clock';
import { createTokenCheck } from '../src/sas';

const keys = [{ name: 'Root', key: 'c2VjcmV0IQ==' }];
const at = Date.parse('2026-03-01T12:00:00Z');
const clock = { ...realClock, now: () => at };
const check = createTokenCheck(keys, clock);

function sign(resource: string, { key = keys[0]!.key, keyName = 'Root', expiresIn = 60 } = {}): string {
  const audience = encodeURIComponent(resource);
  const expiry = String(at / 1000 + expiresIn);
  const signature = createHmac('sha256', key).update(`${audience}\n${expiry}`).digest('base64');
  return `SharedAccessSignature sr=${audience}&sig=${encodeURIComponent(signature)}&se=${expiry}&skn=${keyName}`;
}

describe('tokens against keys', () => {
  it.each([
    ['the entity itself', 'sb://localhost:5672/orders', 'orders'],
    ['the entity in another case', 'SB://LOCALHOST/Orders/', 'orders'],
    ['what lies below the entity', 'sb://localhost/topic', 'topic/Subscriptions/s/$DeadLetterQueue'],
    ['everything, for the namespace', 'sb://localhost:5672/', 'orders'],
    ['everything, for the namespace by another of its names', 'amqps://127.0.0.1', 'sb://localhost/orders'],
    ['a URL with a query', 'https://localhost/orders?api-version=2021-05', '/orders'],
  ])('open %s', (_what, audience, resource) => {
    expect(check(sign(audience), resource)).toEqual({ ok: true, expiresAt: at + 60_000 });
  });

  it.each([
    ['another entity', sign('sb://localhost/orders'), 'the token is for "orders", not for "orders2"'],
    ['a key that is not there', sign('sb://localhost/', { keyName: 'Other' }), 'there is no key named "Other"'],
    ['another key', sign('sb://localhost/', { key: 'guessed' }), 'the signature is not one of key "Root"'],
    ['the past', sign('sb://localhost/', { expiresIn: 0 }), 'the token expired at 2026-03-01T12:00:00.000Z'],
    ['nothing', '', 'expected "SharedAccessSignature sr=...&sig=...&se=...&skn=..."'],
    ['another scheme', 'Bearer x', 'expected "SharedAccessSignature sr=...&sig=...&se=...&skn=..."'],
    ['no time at all', sign('sb://localhost/').replace(/se=\d+/, 'se=soon'), 'the signature is not one of key "Root"'],
  ])('do not open when they are for %s', (_what, token, reason) => {
    expect(check(token, 'orders2')).toEqual({ ok: false, reason });
  });

  it('do not open with an expiry that was signed and is no time', () => {
    expect(check(sign('sb://localhost/', { expiresIn: NaN }), 'orders')).toEqual({
      ok: false,
      reason: 'the token expired at a time that is none',
    });
  });

  it('are all taken when there are no keys', () => {
    expect(createTokenCheck(undefined, clock)('anything', 'orders')).toEqual({ ok: true, expiresAt: Infinity });
  });
});
