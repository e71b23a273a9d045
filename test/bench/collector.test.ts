import { startCollector } from '../../bench/collector';

describe('the collector of the benchmark', () => {
  /** A field of protobuf with a length. */
  const field = (number: number, ...content: (Uint8Array | readonly number[])[]): Buffer => {
    const body = Buffer.concat(content.map((each) => Uint8Array.from(each)));
    const length = body.length < 128 ? [body.length] : [(body.length % 128) + 128, Math.floor(body.length / 128)];
    return Buffer.concat([Buffer.from([number * 8 + 2, ...length]), body]);
  };
  const span = field(2, new Uint8Array(90));

  it('counts the spans of all scopes and resources, and the bytes', async () => {
    const collector = await startCollector();
    try {
      const scope = (...spans: Buffer[]) => field(2, field(1, [7, 7]), ...spans);
      const body = Buffer.concat([field(1, field(1, [7]), scope(span, span), scope(span)), field(1, scope(span))]);
      const answer = await fetch(`${collector.url}/v1/traces`, { method: 'POST', body });
      expect(answer.status).toBe(200);
      expect(collector.spans()).toBe(4);
      expect(collector.bytes()).toBe(body.length);
      await fetch(`${collector.url}/v1/metrics`, { method: 'POST', body });
      expect(collector.spans()).toBe(4);
    } finally {
      await collector.stop();
    }
  });
});
