/** What the app said no to, in its words. */
export class Refused extends Error {
  override readonly name = 'Refused';
}

export type Answer = Readonly<Record<string, unknown>>;
export type Call = (method: 'GET' | 'PATCH' | 'POST', path: string, body?: object) => Promise<Answer>;

interface ProblemBody {
  readonly detail?: string;
  readonly title?: string;
  readonly violations?: readonly { readonly path: string; readonly message: string }[];
}

/** A request is answered within 20 seconds and a send or two; longer is a standstill. */
const LONGEST = 120_000;

/** Calls the operators' routes of the running app. Throws `Refused` with all that the app says is wrong. */
export function createCall(url: string, key: string | undefined): Call {
  const base = url.replace(/\/+$/, '');
  return async (method, path, body) => {
    const response = await reach(`${base}/api/dead-letters${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...(key !== undefined && { 'x-functions-key': key }) },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(LONGEST),
    });
    const text = await response.text();
    if (response.ok) return JSON.parse(text) as Answer;
    throw new Refused(explain(response.status, text));
  };
}

async function reach(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    throw new Refused(
      `The app does not answer at ${new URL(url).origin} (${cause}). Start it with \`npm start\`, or say --url.`,
    );
  }
}

function explain(status: number, text: string): string {
  if (status === 401 || status === 403) return `The app answered ${status}: it wants the host's master key, --key.`;
  const problem = toProblem(text);
  if (!problem) return `The app answered ${status}: ${text.slice(0, 200)}`;
  const lines = (problem.violations ?? []).map(({ path, message }) => `  ${path === '' ? '(all)' : path}: ${message}`);
  return [problem.detail ?? problem.title ?? `The app answered ${status}.`, ...lines].join('\n');
}

function toProblem(text: string): ProblemBody | undefined {
  try {
    return JSON.parse(text) as ProblemBody;
  } catch {
    return undefined;
  }
}
