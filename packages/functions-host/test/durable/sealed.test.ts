import { answerTo, isFresh, seal, TakenRequests, unseal } from '../../src/durable/sealed';

const asked = { secret: 'the secret', what: 'request' };
const head = { method: 'POST', query: 'a=ü\n' };
const body = Buffer.from([0, 10, 255, 10]);

describe('a sealed message', () => {
  it('is opened with its head and its body by who knows the secret', () => {
    expect(unseal(asked, seal(asked, head, body))).toEqual({ head, body });
    expect(unseal(asked, seal(asked, {}, Buffer.alloc(0)))).toEqual({ head: {}, body: Buffer.alloc(0) });
  });

  it('is never the same twice, and shows nothing of what is in it', () => {
    const [one, other] = [seal(asked, head, body), seal(asked, head, body)];
    expect(one.equals(other)).toBe(false);
    expect(one.includes('POST') || one.includes(asked.secret)).toBe(false);
  });

  it('is not opened with another secret, cut off, or with any byte changed', () => {
    const sealed = seal(asked, head, body);
    expect(unseal({ ...asked, secret: '' }, sealed)).toBeUndefined();
    for (let at = 0; at < sealed.length; at += 1) {
      const changed = Buffer.from(sealed);
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
      expect(unseal(asked, changed)).toBeUndefined();
      expect(unseal(asked, sealed.subarray(0, at))).toBeUndefined();
    }
  });

  it('is an answer to one request alone, and no request', () => {
    const [one, other] = [seal(asked, head, body), seal(asked, head, body)];
    const answer = seal(answerTo('the secret', one), { status: 202 }, Buffer.alloc(0));
    expect(unseal(answerTo('the secret', one), answer)).toMatchObject({ head: { status: 202 } });
    expect(unseal(answerTo('the secret', other), answer)).toBeUndefined();
    expect(unseal(asked, answer)).toBeUndefined();
    expect(unseal(answerTo('the secret', one), one)).toBeUndefined();
  });
});

describe('what a host has been asked for', () => {
  const MINUTE = 60_000;

  it('is not taken again for as long as it is fresh, nor later', () => {
    const taken = new TakenRequests();
    expect(taken.take('a', 1_000_000, 1_000_000 + MINUTE)).toBe(true);
    for (let later = MINUTE; later < 10 * MINUTE; later += MINUTE / 4) {
      expect(taken.take('a', 1_000_000, 1_000_000 + later)).toBe(false);
      expect(taken.take(`other ${later}`, 1_000_000 + later, 1_000_000 + later)).toBe(true);
    }
  });

  it('is not taken when it was long on its way, or comes from a time to come', () => {
    for (const [at, expected] of [
      [-MINUTE - 1, false],
      [-MINUTE, true],
      [MINUTE, true],
      [MINUTE + 1, false],
    ] as const) {
      expect(isFresh(at, 0)).toBe(expected);
      expect(new TakenRequests().take('a', at, 0)).toBe(expected);
    }
  });
});
