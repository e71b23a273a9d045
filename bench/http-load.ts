/**
 * Calls one URL over a number of connections for some seconds, each connection one request after the other, and prints
 * a `LoadReport` as a line of JSON. Anything but an answer with 200 ends it with an error.
 * Arguments: the URL, how many connections, how many seconds.
 */
import { HttpConnection } from './http-connection';

export interface LoadReport {
  readonly count: number;
  readonly seconds: number;
  /** Milliseconds. */
  readonly latencies: { readonly median: number; readonly p99: number };
}

async function callFor(seconds: number, connections: number, url: URL): Promise<LoadReport> {
  const open = await Promise.all(Array.from({ length: connections }, () => HttpConnection.open(Number(url.port))));
  const latencies: number[] = [];
  const startedAt = performance.now();
  const end = startedAt + seconds * 1000;
  const work = async (connection: HttpConnection): Promise<void> => {
    for (let sentAt = startedAt; sentAt < end;) {
      const { status, body } = await connection.get(url.pathname + url.search);
      if (status !== 200) throw new Error(`Expected status 200, got ${status}: ${body}`);
      const answeredAt = performance.now();
      latencies.push(answeredAt - sentAt);
      sentAt = answeredAt;
    }
    connection.close();
  };
  await Promise.all(open.map(work));
  const elapsed = (performance.now() - startedAt) / 1000;
  latencies.sort((a, b) => a - b);
  const at = (share: number): number => latencies[Math.floor((latencies.length - 1) * share)] ?? NaN;
  return { count: latencies.length, seconds: elapsed, latencies: { median: at(0.5), p99: at(0.99) } };
}

const [url = '', connections, seconds] = process.argv.slice(2);
void callFor(Number(seconds), Number(connections), new URL(url)).then((report) =>
  process.stdout.write(`${JSON.stringify(report)}\n`),
);
