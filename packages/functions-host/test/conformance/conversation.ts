import { toComparable } from './comparable';
import { differences } from './differences';
import { type Answer, inRecordedOrder, listRecordings, readRecording, type Recording } from './recording';

/**
 * Says to a host what was said to the real one, in the same order, and compares what it answers.
 *
 * Recorded ids stand for ours: an answer that names a new instance ties the two together. Instances that a request names
 * and no recorded answer told of were started by the recorder on the side; they are started here in the same way. A
 * recorder also waits until the state is there that it wants to see: a GET is repeated until it is answered as recorded.
 */
export interface Conversation {
  /**
   * Sends the request of a recording. Resolves when the answer is the recorded one, or when it has not become so in time.
   * @returns both answers, as they are to be compared.
   */
  repeat(name: string): Promise<{ readonly ours: unknown; readonly recorded: unknown }>;
}

/** What a recording supposes that it does not show. */
export interface Supposed {
  /** JSON to start an instance of an orchestrator with, if it was started with any. */
  readonly inputs: Readonly<Record<string, string>>;
  /** The status in which a recording's instance has to be before its request is sent. */
  readonly statuses: Readonly<Record<string, { readonly id: string; readonly status: string }>>;
  /** The recording whose answer told the continuation token that a request goes on with. */
  readonly continued: Readonly<Record<string, string>>;
  /** Recordings that show whichever instances come first by id. */
  readonly pages: ReadonlySet<string>;
  /** The key that stands behind KEY in the request of a recording. */
  key?(recording: string): string;
}

const patience = 10_000;
const idPattern = /[0-9a-f]{32}/g;

export function converse(url: string, ofThisRun: ReadonlyMap<string, string>, supposed: Supposed): Conversation {
  const ids = new Map<string, string>();
  const tokens = new Map<string, string>();
  const places = new Map([...ofThisRun, [`localhost:${new URL(url).port}`, 'localhost:7071']]);
  const names = recordedInstanceNames();

  const toOurs = (text: string): string => {
    let ours = text;
    for (const [own, recorded] of ids) ours = ours.replaceAll(recorded, own);
    return ours;
  };
  const tie = (recorded: string, ours: string): void => {
    const idOf = (body: string): string | undefined => (/^\{\s*"id": ?"([^"]+)"/.exec(body) ?? [])[1];
    const [own, id] = [idOf(ours), idOf(recorded)];
    if (own !== undefined && id !== undefined && /^[0-9a-f]{32}$/.test(id)) ids.set(own, id);
  };
  const statusOf = async (id: string): Promise<string> => {
    const response = await fetch(`${url}/runtime/webhooks/durabletask/instances/${id}`);
    return ((await response.json()) as { runtimeStatus: string }).runtimeStatus;
  };
  const until = async (isSo: () => Promise<boolean>): Promise<void> => {
    const deadline = Date.now() + patience;
    while (!(await isSo()) && Date.now() < deadline) await pause();
  };
  const startUnknown = async (target: string): Promise<void> => {
    for (const [id] of target.matchAll(idPattern)) {
      const name = names.get(id);
      if (name === undefined || [...ids.values()].includes(id)) continue;
      const body = supposed.inputs[name];
      const response = await fetch(`${url}/api/orchestrators/${name}`, {
        method: 'POST',
        ...(body !== undefined && { body }),
      });
      const started = ((await response.json()) as { id: string }).id;
      ids.set(started, id);
      await until(async () => (await statusOf(started)) !== 'Pending');
    }
  };
  const send = async (recording: Recording): Promise<Answer> => {
    const token = tokens.get(supposed.continued[recording.name] ?? '');
    const key = supposed.key?.(recording.name) ?? '';
    const headers = Object.entries(recording.requestHeaders).map(
      ([name, value]) => [name, value === 'KEY' ? key : value] as const,
    );
    const response = await fetch(url + toOurs(recording.target).replace(/KEY(%3D)*/, encodeURIComponent(key)), {
      method: recording.method,
      headers: { ...Object.fromEntries(headers), ...(token !== undefined && { 'x-ms-continuation-token': token }) },
      ...(recording.requestBody !== undefined && { body: recording.requestBody }),
    });
    const answer = {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: await response.text(),
    };
    tokens.set(recording.name, answer.headers['x-ms-continuation-token'] ?? '');
    return answer;
  };
  const compare = (recording: Recording, answer: Answer): { ours: unknown; recorded: unknown; isSame: boolean } => {
    const about = { recording: recording.name, differences, places, isPage: supposed.pages.has(recording.name) };
    const ours = toComparable(answer, { ...about, ids });
    const recorded = toComparable(recording.answer, {
      ...about,
      ids: new Map([...ids.values()].map((id) => [id, id])),
    });
    return { ours, recorded, isSame: toSortedJson(ours) === toSortedJson(recorded) };
  };

  return {
    async repeat(name) {
      const recording = readRecording(name);
      await startUnknown(recording.target);
      const state = supposed.statuses[name];
      if (state !== undefined) await until(async () => (await statusOf(toOurs(state.id))) === state.status);
      let answer = await send(recording);
      tie(recording.answer.body, answer.body);
      if (recording.method === 'GET') {
        await until(async () => {
          if (compare(recording, answer).isSame) return true;
          answer = await send(recording);
          return false;
        });
      }
      return compare(recording, answer);
    },
  };
}

/** Which orchestrator each recorded instance is of. */
function recordedInstanceNames(): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const name of inRecordedOrder(listRecordings())) {
    for (const [, of = '', id = ''] of readRecording(name).answer.body.matchAll(
      /"name": ?"(\w+)",\s*"instanceId": ?"([0-9a-f]{32})"/g,
    )) {
      names.set(id, of);
    }
  }
  return names;
}

function toSortedJson(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}
