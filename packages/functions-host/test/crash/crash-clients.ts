/**
 * Clients that don't trust the host: a request without an answer is made again, and each attempt at an event carries a key
 * of its own. What was acknowledged must be found in the output of the orchestration exactly once; an attempt whose
 * answer was lost once or not at all; and nothing else may be found.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { CrashingHosts } from './crashing-hosts';

const management = '/runtime/webhooks/durabletask';
const PAUSE_MS = 40;

export interface Tally {
  sagas: number;
  /** Those of the sagas that signalled the entity which they share. */
  signals: number;
  events: number;
  /** Requests that were made again, since nobody knew what became of them. */
  repeated: number;
  /** Repeated events of which the first attempt turned out to have arrived. */
  arrivedUnknown: number;
}

export interface ClientOptions {
  hosts(): CrashingHosts;
  readonly random: () => number;
  readonly tally: Tally;
  /** Milliseconds since the Unix epoch after which whatever still waits is stuck. */
  deadline(): number;
}

interface Attempt {
  readonly key: string;
  readonly isAcknowledged: boolean;
}

/** Runs one orchestration from its start to its end, and throws when it did not go through its states exactly once. */
export async function runSaga(options: ClientOptions, n: number): Promise<void> {
  const kind = n % 3 === 0 ? 'counter' : 'saga';
  const id = `${kind}-${n}`;
  const input = kind === 'counter' ? { generation: 0, keys: [] } : n;
  await insist(options, 'POST', `orchestrators/${kind}/${id}`, [202], [409], JSON.stringify(input));
  const count = 1 + Math.floor(options.random() * 4);
  const attempts: Attempt[] = [];
  for (let i = 0; i < count; i++) {
    if (options.random() < 0.5) await sleep(options.random() * 120);
    attempts.push(...(await sendEvent(options, id, `${i}`, false)));
  }
  attempts.push(...(await sendEvent(options, id, 'last', true)));
  const status = JSON.parse(await insist(options, 'GET', `instances/${id}`, [200], [])) as {
    runtimeStatus: string;
    output: Output;
  };
  if (status.runtimeStatus !== 'Completed') throw new Error(`${id} is ${JSON.stringify(status)}.`);
  checkEvents(id, attempts, status.output, options.tally);
  if (kind === 'saga') {
    checkSaga(id, n, status.output);
    options.tally.signals += 1;
  } else checkCounter(id, status.output);
  options.tally.sagas += 1;
  options.tally.events += attempts.filter(({ isAcknowledged }) => isAcknowledged).length;
}

interface Output {
  readonly steps?: number;
  readonly sum?: number;
  readonly events?: readonly string[];
  readonly generation?: number;
  readonly keys?: readonly string[];
}

function checkEvents(id: string, attempts: readonly Attempt[], output: Output, tally: Tally): void {
  const found = output.events ?? output.keys ?? [];
  const fail = (why: string): never => {
    throw new Error(`${id}: ${why}. Sent: ${JSON.stringify(attempts)}, found: ${JSON.stringify(found)}.`);
  };
  if (new Set(found).size !== found.length) fail('an event was applied twice');
  const sent = found.map((one) => attempts.findIndex(({ key }) => key === one));
  if (sent.includes(-1)) fail('it has an event that was never sent');
  sent.forEach((at, i) => {
    // An attempt whose sender did not hear of it may still be on its way when the next one is acknowledged.
    const isOvertaken = sent.slice(i + 1).some((later) => later < at && attempts[later]?.isAcknowledged === true);
    if (isOvertaken) fail('events are not in the order in which they were acknowledged');
  });
  // An end of which the answer was lost is sent again, to an orchestration that may have ended by it.
  const isLast = (key: string): boolean => key.startsWith('last');
  if (!found.some(isLast)) fail('it ended without its last event');
  for (const { key, isAcknowledged } of attempts) {
    if (isAcknowledged && !isLast(key) && !found.includes(key)) fail(`acknowledged event ${key} was lost`);
    if (!isAcknowledged && found.includes(key)) tally.arrivedUnknown += 1;
  }
}

function checkSaga(id: string, n: number, { steps, sum, events = [] }: Output): void {
  const child = (m: number): number => m * 3 + 3;
  const entityCalls = 5 + (5 + 7);
  const expected = {
    steps: 6 + events.length * 2,
    sum: n * 3 + 30 + child(n) + child(n + 1) + entityCalls + events.length * 3,
  };
  if (steps !== expected.steps || sum !== expected.sum) {
    throw new Error(`${id}: expected ${JSON.stringify(expected)}, got ${JSON.stringify({ steps, sum, events })}.`);
  }
}

function checkCounter(id: string, { generation, keys = [] }: Output): void {
  if (generation !== keys.length) {
    throw new Error(`${id}: expected as many generations as events, got ${JSON.stringify({ generation, keys })}.`);
  }
}

/** Sends an event until an attempt is acknowledged. */
async function sendEvent(options: ClientOptions, id: string, name: string, isLast: boolean): Promise<Attempt[]> {
  const attempts: Attempt[] = [];
  for (;;) {
    const key = `${name}#${attempts.length}`;
    const body = JSON.stringify({ key, isLast });
    const status = await attempt(options, 'POST', `instances/${id}/raiseEvent/item`, body);
    const isKnown = status?.code === 202 || (status?.code === 410 && isLast && attempts.length > 0);
    attempts.push({ key, isAcknowledged: status?.code === 202 });
    if (isKnown) return attempts;
    if (status !== undefined && status.code !== 503) {
      throw new Error(`Event ${key} of ${id}: ${status.code} ${status.text}`);
    }
    await pause(options, `event ${key} of ${id}`);
    options.tally.repeated += 1;
  }
}

/** Asks until the answer is one of `accepted`, or of `afterRepeat` when it was asked before. */
async function insist(
  options: ClientOptions,
  method: string,
  where: string,
  accepted: readonly number[],
  afterRepeat: readonly number[],
  body?: string,
): Promise<string> {
  for (let isRepeated = false; ; isRepeated = true) {
    const status = await attempt(options, method, where, body);
    if (status !== undefined && accepted.includes(status.code)) return status.text;
    if (status !== undefined && isRepeated && afterRepeat.includes(status.code)) return status.text;
    const isUnderWay = status === undefined || status.code === 503 || (method === 'GET' && status.code === 202);
    if (!isUnderWay) throw new Error(`${method} ${where}: ${status.code} ${status.text}`);
    await pause(options, `${method} ${where}`);
    if (method === 'POST') options.tally.repeated += 1;
  }
}

async function attempt(
  { hosts }: ClientOptions,
  method: string,
  where: string,
  body?: string,
): Promise<{ readonly code: number; readonly text: string } | undefined> {
  try {
    const answer = await fetch(`${hosts().url()}${management}/${where}`, {
      method,
      ...(body !== undefined && { body, headers: { 'content-type': 'application/json' } }),
    });
    return { code: answer.status, text: await answer.text() };
  } catch {
    return undefined;
  }
}

async function pause({ deadline, random, hosts }: ClientOptions, what: string): Promise<void> {
  if (Date.now() > deadline()) throw new Error(`Stuck: ${what}. The hosts said:\n${hosts().output().slice(-5000)}`);
  await sleep(PAUSE_MS * (1 + random()));
}
