import type { HttpHandler, HttpRequest, HttpResponseInit, InvocationContext } from '@azure/functions';
import type { Violation } from '../../domain/violations';
import { SagaOutOfReach } from '../task-hubs';

/** What went wrong, for programs. Each has one HTTP status and one meaning for the caller. */
const problems = {
  /** Change the request: every violation is listed. */
  invalidRequest: { status: 400, title: 'The request is not valid' },
  /** There is no such route. */
  unknownRoute: { status: 404, title: 'There is no such route' },
  /** There is no order with this id. */
  unknownOrder: { status: 404, title: 'There is no such order' },
  /** There is no return with this id. */
  unknownReturn: { status: 404, title: 'There is no such return' },
  /** There is no dead letter with this id. */
  unknownDeadLetter: { status: 404, title: 'There is no such dead letter' },
  /** The id is taken by a different order: use another one. */
  orderConflict: { status: 409, title: 'The order id is taken by a different order' },
  /** The id is taken by a different return: use another one. */
  returnConflict: { status: 409, title: 'The return id is taken by a different return' },
  /** The state of the order, return or dead letter doesn't allow it, and mostly won't again. */
  notAllowed: { status: 409, title: 'The state does not allow this' },
  /** Send less. */
  bodyTooLarge: { status: 413, title: 'The body is too large' },
  /** What the request is about is still being made: the same request is taken a little later. */
  notYet: { status: 503, title: 'It is too early for this' },
  /** Something that we need is down: nothing was changed that a repetition could double; try again later. */
  unavailable: { status: 503, title: 'The service is not available at the moment' },
  /** Our fault: the log has more under the request's id. */
  internal: { status: 500, title: 'Something went wrong on our side' },
} as const;
export type ProblemCode = keyof typeof problems;

/** Thrown by handlers: answered as `application/problem+json` (RFC 9457). */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly code: ProblemCode;
  readonly violations: readonly Violation[];

  constructor(code: ProblemCode, detail: string, violations: readonly Violation[] = []) {
    super(detail);
    this.code = code;
    this.violations = violations;
  }
}

/** A request that is not valid; says how many violations there are and lists them. */
export function invalid(violations: readonly Violation[]): Problem {
  const count = violations.length === 1 ? '1 violation' : `${violations.length} violations`;
  return new Problem('invalidRequest', `The request has ${count}.`, violations);
}

const RETRY_AFTER_SECONDS = '5';

/**
 * The one place where failures become answers. A `Problem` is told as it is; an outage of something we need becomes
 * 503; anything else 500 with the request's id and nothing from inside, while the log gets all of it.
 */
export function answering(
  handler: (request: HttpRequest, context: InvocationContext) => Promise<HttpResponseInit>,
): HttpHandler {
  return async (request, context) => {
    try {
      return await handler(request, context);
    } catch (error) {
      if (error instanceof Problem) return toAnswer(error, context);
      context.error(`request ${context.invocationId} failed:`, error);
      if (error instanceof SagaOutOfReach) return toAnswer(new Problem('unavailable', `${error.message}.`), context);
      return isOutage(error)
        ? toAnswer(new Problem('unavailable', 'Something that is needed for this is down. Try again later.'), context)
        : toAnswer(new Problem('internal', `Report request ${context.invocationId} if it stays so.`), context);
    }
  };
}

function toAnswer({ code, message, violations }: Problem, context: InvocationContext): HttpResponseInit {
  const { status, title } = problems[code];
  return {
    status,
    headers: {
      'content-type': 'application/problem+json',
      ...(status === 503 && { 'retry-after': RETRY_AFTER_SECONDS }),
    },
    body: JSON.stringify({
      type: 'about:blank',
      title,
      status,
      detail: message,
      code,
      requestId: context.invocationId,
      ...(violations.length > 0 && { violations }),
    }),
  };
}

/**
 * Errors that mean that an outside system can't be reached at the moment; the durable client's say so in their text, where
 * nobody works on the task hub.
 */
function isOutage(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return ('code' in error && error.code === 'databaseUnavailable') || /status code: 503\b/.test(error.message);
}
