/**
 * Drives contenders that are started over HTTP: the host through its management API, Restate through its ingress.
 * Arguments: the contender's name and the port.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { HttpConnection, type HttpAnswer } from './http-connection';
import { serveRounds } from './load';
import type { Job, Part } from './workload';

/** Longer than any execution takes; the host answers when the execution has ended, at the latest after this. */
const TIMEOUT_SECONDS = 300;

type Call = (connection: HttpConnection, id: string, job: Job) => Promise<HttpAnswer>;
type Calls = Readonly<Record<Part | 'both', Call>>;

const POLL_MS = 10;
const management = '/runtime/webhooks/durabletask';
/** Makes the same call later answer with the result of this one. */
const key = (id: string): string => `idempotency-key: ${id}\r\n`;
const body = ({ input }: Job): string => JSON.stringify(input);

const startAndWait = (connection: HttpConnection, id: string, job: Job, json: string): Promise<HttpAnswer> =>
  connection.post(`${management}/orchestrators/${job.program}/${id}?timeout=${TIMEOUT_SECONDS}`, json);

const contenders: Readonly<Record<string, Partial<Calls>>> = {
  'functions-host': {
    both: (connection, id, job) => startAndWait(connection, id, job, body(job)),
    start: (connection, id, job) => connection.post(`${management}/orchestrators/${job.program}/${id}`, body(job)),
    async end(connection, id) {
      for (;;) {
        const answer = await connection.get(`${management}/instances/${id}`);
        if (answer.status !== 202) return { ...answer, body: JSON.stringify(toOutput(answer)) };
        await sleep(POLL_MS);
      }
    },
  },
  'by-hand': {
    both: async (connection, id, job) => toPlainAnswer(await startAndWait(connection, id, job, body(job))),
  },
  toolkit: {
    // As the toolkit's client sends it.
    both: async (connection, id, job) =>
      toPlainAnswer(
        await startAndWait(connection, id, job, JSON.stringify({ $saga: { version: '1' }, input: job.input })),
      ),
  },
  restate: {
    both: (connection, _id, job) => connection.post(`/bench/${job.program}`, body(job)),
    start: (connection, id, job) => connection.post(`/bench/${job.program}/send`, body(job), key(id)),
    end: (connection, id, job) => connection.post(`/bench/${job.program}`, body(job), key(id)),
  },
};

/** What the plain workload answers, from a saga's outcome. */
function toPlainAnswer(answer: HttpAnswer): HttpAnswer {
  if (answer.status !== 200) return answer;
  const { outcome, result } = JSON.parse(answer.body) as { readonly outcome: string; readonly result?: unknown };
  return { ...answer, body: JSON.stringify(typeof result === 'number' ? result : outcome) };
}

function toOutput({ body: text }: HttpAnswer): unknown {
  return (JSON.parse(text) as { readonly output?: unknown }).output;
}

const [contender = '', port] = process.argv.slice(2);
const calls = contenders[contender];
if (calls === undefined) throw new Error(`Expected one of ${Object.keys(contenders).join(', ')}, got '${contender}'.`);

const idle: HttpConnection[] = [];

serveRounds(
  async (id, job, part) => {
    const connection = idle.pop() ?? (await HttpConnection.open(Number(port)));
    const call = calls[part ?? 'both'];
    if (call === undefined) throw new Error(`${contender}: this round can't be run with it.`);
    const answer = await call(connection, id, job);
    idle.push(connection);
    const expected = part === 'start' ? 202 : 200;
    if (answer.status !== expected) {
      throw new Error(`${id}: expected status ${expected}, got ${answer.status}: ${answer.body}`);
    }
    return JSON.parse(answer.body) as unknown;
  },
  () => {
    for (const connection of idle) connection.close();
  },
);
