import type { Refusal } from '../client/answer';
import type { Issue } from '../definition/failure';

/** What was wrong with a request, for programs. Each has one HTTP status and one meaning for the caller. */
const problems = {
  /** Change the request: every violation is listed. */
  invalidRequest: { status: 400, title: 'The request is not valid' },
  /** The payload does not match its schema: every violation is listed. */
  invalid: { status: 400, title: 'The payload is not valid' },
  /** No saga of this name is steered here. */
  unknownSaga: { status: 404, title: 'There is no such saga' },
  /** The saga has no instance with this id. */
  unknown: { status: 404, title: 'There is no such instance' },
  /** The saga declares no such event. */
  unknownEvent: { status: 404, title: 'There is no such event' },
  /** It has ended, and takes nothing any more. */
  finished: { status: 409, title: 'The saga has ended' },
  /** It can't be cancelled any more. */
  pastPivot: { status: 409, title: 'The saga is past its pivot' },
  /** Nothing of it, or not what was named, waits for a decision. */
  notParked: { status: 409, title: 'Nothing is parked' },
  /** Name the step: several wait for a decision. */
  ambiguous: { status: 409, title: 'Several steps are parked' },
  /** Nothing has stopped it: it runs, or has ended by itself. */
  notStopped: { status: 409, title: 'The saga was not stopped' },
  /** It was stopped before it tried anything that has to be undone. */
  nothingOwed: { status: 409, title: 'The saga owes no undo' },
  /** Send less. */
  bodyTooLarge: { status: 413, title: 'The body is too large' },
  /** Our fault: the log has more under the request's id. */
  internal: { status: 500, title: 'Something went wrong on our side' },
} as const satisfies Readonly<Record<Refusal['code'] | (string & {}), { status: number; title: string }>>;
export type ProblemCode = keyof typeof problems;

/** Thrown while a request is answered: told as `application/problem+json` (RFC 9457). */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly code: ProblemCode;
  readonly issues: readonly Issue[];

  constructor(code: ProblemCode, detail: string, issues: readonly Issue[] = []) {
    super(detail);
    this.code = code;
    this.issues = issues;
  }
}

/** A request that is not valid; lists all that is wrong with it. */
export function invalidRequest(issues: readonly Issue[]): Problem {
  const count = issues.length === 1 ? '1 violation' : `${issues.length} violations`;
  return new Problem('invalidRequest', `The request has ${count}.`, issues);
}

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export function toReply({ code, message, issues }: Problem): Reply {
  const { status, title } = problems[code];
  const body = { type: 'about:blank', title, status, detail: message, code, ...(issues.length > 0 && { issues }) };
  return { status, headers: { 'content-type': 'application/problem+json' }, body: JSON.stringify(body) };
}
