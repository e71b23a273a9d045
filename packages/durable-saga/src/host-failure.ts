import type { Reply } from './activity';
import type { Failure } from './failure';
import { isFailure, messageOf } from './failure';

/*
 * The one place that reads what hosts send for an attempt. The toolkit's activities return their failures as data, so
 * what a host reports as failed was stopped by the platform: a function timeout, a worker that died, a result too large.
 * Its effect is unknown and trying again is right. The library hands it over in one of two forms, by the host's history:
 *
 * - `FailureDetails`: a `TaskFailedError` with `failureDetails { errorType, errorMessage, innerFailure, ... }`;
 * - `Reason` and `Details`: an `Error` whose message is both, joined by ` \n `. The Azure host's reason starts with
 *   `Activity function '<name>' failed: `, and its details are a serialised .NET exception, or text.
 */

/** What a durable activity came to, from what it returned or from the error that the library made of its failure. */
export function replyOf(
  outcome: { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: unknown },
): Reply {
  if (!outcome.ok) return { ok: false, failure: hostFailure(outcome.error) };
  const { value } = outcome;
  if (typeof value === 'object' && value !== null && 'ok' in value) {
    if (value.ok === true) return { ok: true, value: 'value' in value ? value.value : undefined };
    if (value.ok === false && 'failure' in value && isFailure(value.failure)) {
      return { ok: false, failure: value.failure };
    }
  }
  return {
    ok: false,
    failure: {
      kind: 'host',
      code: 'foreignReply',
      message: `expected a reply of a durable-saga activity, got ${value === undefined ? 'nothing' : clip(JSON.stringify(value))}`,
      retriable: true,
      effect: 'unknown',
    },
  };
}

/** Reads an error that the platform made. */
export function hostFailure(error: unknown): Failure {
  const { code, message } = fromFailureDetails(error) ?? fromReasonText(messageOf(error));
  return { kind: 'host', code, message: clip(message), retriable: true, effect: 'unknown' };
}

interface Read {
  readonly code: string;
  readonly message: string;
}

function fromFailureDetails(error: unknown): Read | undefined {
  if (typeof error !== 'object' || error === null || !('failureDetails' in error)) return undefined;
  let details = error.failureDetails as FailureDetails | undefined;
  // The outermost entry is the platform's wrapper; the innermost says what happened.
  while (details?.innerFailure) details = details.innerFailure;
  if (typeof details?.errorMessage !== 'string') return undefined;
  return { code: shortType(details.errorType), message: details.errorMessage };
}

interface FailureDetails {
  readonly errorType?: string;
  readonly errorMessage?: string;
  readonly innerFailure?: FailureDetails;
}

/** `<reason> \n <details>`: the reason is for people, the details name the exception's class when they are JSON. */
function fromReasonText(text: string): Read {
  const [reason = '', ...details] = text.split(' \n ');
  const message = reason.replace(/^(Activity|Orchestrator) function '[^']*' failed: */i, '').trim();
  return { code: classOf(details.join(' \n ')), message: message === '' ? text.trim() : message };
}

function classOf(details: string): string {
  try {
    const parsed: unknown = JSON.parse(details);
    if (typeof parsed === 'object' && parsed !== null) {
      const { ClassName, InnerException } = parsed as { ClassName?: unknown; InnerException?: { ClassName?: unknown } };
      const name = InnerException?.ClassName ?? ClassName;
      if (typeof name === 'string') return shortType(name);
    }
  } catch {
    // Details of other hosts are free text, which names no class.
  }
  return 'host';
}

/** `System.TimeoutException` -> `TimeoutException`. */
function shortType(name: string | undefined): string {
  return name === undefined || name === '' ? 'host' : (name.split('.').at(-1) ?? name);
}

function clip(text: string): string {
  return text.length > 1_000 ? `${text.slice(0, 1_000)}...` : text;
}
