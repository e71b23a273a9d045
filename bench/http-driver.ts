/**
 * Drives contenders that are started over HTTP: the host through its management API, Restate through its ingress.
 * Arguments: the contender's name and the port.
 */
import { HttpConnection } from './http-connection';
import { serveRounds } from './load';
import type { Job } from './workload';

/** Longer than any execution takes; the host answers when the execution has ended, at the latest after this. */
const TIMEOUT_SECONDS = 300;

const paths: Readonly<Record<string, (id: string, job: Job) => string>> = {
  'functions-host': (id, { program }) =>
    `/runtime/webhooks/durabletask/orchestrators/${program}/${id}?timeout=${TIMEOUT_SECONDS}`,
  restate: (_id, { program }) => `/bench/${program}`,
};

const [contender = '', port] = process.argv.slice(2);
const toPath = paths[contender];
if (toPath === undefined) throw new Error(`Expected one of ${Object.keys(paths).join(', ')}, got '${contender}'.`);

const idle: HttpConnection[] = [];

serveRounds(
  async (id, job) => {
    const connection = idle.pop() ?? (await HttpConnection.open(Number(port)));
    const { status, body } = await connection.post(toPath(id, job), JSON.stringify(job.input));
    idle.push(connection);
    if (status !== 200) throw new Error(`${id}: expected status 200, got ${status}: ${body}`);
    return JSON.parse(body) as unknown;
  },
  () => {
    for (const connection of idle) connection.close();
  },
);
