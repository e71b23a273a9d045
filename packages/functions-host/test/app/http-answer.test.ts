import { HttpResponse, type HttpResponseInit } from '@azure/functions';
import { DirectRequest } from '../../src/app/direct-request';
import { toPlainAnswer } from '../../src/app/http-answer';

describe("a handler's plain result", () => {
  it.each<HttpResponseInit>([
    {},
    { status: 201 },
    { status: 599, body: 'x' },
    { body: 'wörd' },
    { body: '' },
    { body: 'a,b', headers: { 'Content-Type': 'text/csv' } },
    { jsonBody: { a: [1, 'é'] } },
    { jsonBody: 0, body: 'ignored' },
    { jsonBody: false },
    { jsonBody: 'text', headers: { 'content-type': 'application/problem+json', 'X-Id': 'a b' } },
    { body: new Uint8Array([1, 2, 255]) },
    { body: Buffer.from('buffer').subarray(2, 4), headers: { 'content-type': 'image/png' } },
    { status: 204, body: 'never sent', headers: { 'x-a': 'b' } },
    { status: 304, jsonBody: {} },
    { cookies: [] },
  ])("%j means what the library's own response class makes of it", async (init) => {
    const answer = toPlainAnswer(init);
    const response = new HttpResponse(init);
    expect(answer?.status).toBe(response.status);
    expect(answer?.headers).toEqual(Object.fromEntries(response.headers.entries()));
    expect(Buffer.from(answer?.body ?? '')).toEqual(Buffer.from(await response.arrayBuffer()));
  });

  it.each<[string, unknown]>([
    ['cookies', { cookies: [{ name: 'a', value: 'b' }] }],
    ['a status that is none', { status: 99 }],
    ['a status that is no number', { status: '200' }],
    ['a header object of another kind', { headers: new Headers() }],
    ['a header that fetch would correct', { headers: { a: ' b' } }],
    ['a header that fetch would refuse', { headers: { 'a b': 'c' } }],
    ['a header twice', { headers: { A: '1', a: '2' } }],
    ['a header that is no text', { headers: { a: 1 } }],
    ['a stream', { body: new ReadableStream() }],
    ['a form', { body: new URLSearchParams() }],
    ['JSON that is none', { jsonBody: () => undefined }],
    ['an instance of a class', new HttpResponse({})],
    ['a text', 'text'],
    ['nothing', null],
  ])("leaves %s to the library's own response class", (_what, result) => {
    expect(toPlainAnswer(result)).toBeUndefined();
  });
});

describe('a request without a fetch Request behind it', () => {
  const make = (body?: string): [DirectRequest, Request] => {
    const [url, headers] = ['http://Host:80/a b/../c?d=%20', { 'content-type': 'application/json', 'X-A': '1' }];
    const bytes = body === undefined ? undefined : Buffer.from(body);
    return [
      new DirectRequest('POST', url, headers, bytes),
      new Request(url, { method: 'POST', headers, ...(body === undefined ? {} : { body: Buffer.from(body) }) }),
    ];
  };

  it('has the properties of one', () => {
    const [direct, real] = make('{}');
    expect([direct.method, direct.url, [...direct.headers], direct.bodyUsed]).toEqual([
      real.method,
      real.url,
      [...real.headers],
      real.bodyUsed,
    ]);
  });

  it.each(['text', 'json', 'arrayBuffer'] as const)('gives its body once as %s', async (method) => {
    const [direct, real] = make('{"a":"é"}');
    expect(await direct[method]()).toEqual(await real[method]());
    expect([direct.bodyUsed, real.bodyUsed]).toEqual([true, true]);
    await expect(direct[method]()).rejects.toThrow('Body is unusable');
    await expect(real[method]()).rejects.toThrow('Body is unusable');
  });

  it('gives no body as often as it is asked', async () => {
    const [direct, real] = make();
    for (const request of [direct, real]) {
      expect([await request.text(), await request.text(), request.body, request.bodyUsed]).toEqual([
        '',
        '',
        null,
        false,
      ]);
    }
  });

  it('becomes a real one for what only that can do, and stays one', async () => {
    const [direct] = make('text');
    const copy = direct.clone();
    expect(await copy.text()).toBe('text');
    expect(direct.bodyUsed).toBe(false);
    expect(await (await direct.blob()).text()).toBe('text');
    expect(direct.bodyUsed).toBe(true);
    await expect(direct.text()).rejects.toThrow('Body is unusable');
  });

  it('keeps its bytes from what a handler does to the copy it got', async () => {
    const bytes = Buffer.from('abc');
    const request = new DirectRequest('POST', 'http://x/', {}, bytes);
    new Uint8Array(await request.arrayBuffer()).fill(0);
    expect(bytes.toString()).toBe('abc');
  });
});
