import { parseAnswer } from '../../bench/http-connection';
import { parseStat } from '../../bench/processes';

describe('an answer on a connection', () => {
  it('is taken once it is whole, its length counted in bytes', () => {
    const body = Buffer.from('"é"').toString('latin1');
    const text = `HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n${body}`;
    expect(parseAnswer(text.slice(0, -1))).toBeUndefined();
    expect(parseAnswer(text)).toEqual({ status: 200, body: '"é"' });
  });

  it('may come in chunks', () => {
    const head = 'HTTP/1.1 500 Oh\r\ntransfer-encoding: chunked\r\n\r\n';
    expect(parseAnswer(`${head}3\r\nabc\r\n`)).toBeUndefined();
    expect(parseAnswer(`${head}3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n`)).toEqual({ status: 500, body: 'abcde' });
  });
});

describe("a process's times", () => {
  it('are read behind a name that may hold anything', () => {
    const text = '42 (a) b (c) S 7 42 42 0 -1 4194560 100 0 0 0 150 50 30 20 20 0 1 0 100';
    expect(parseStat(text)).toEqual({ pid: 42, parent: 7, name: 'a) b (c', cpu: 2.5 });
  });
});
