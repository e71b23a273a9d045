import type { Reply } from '../definition/activity';
import type { Failure } from '../definition/failure';
import { messageOf, readFailure } from '../definition/failure';

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
    const failure = value.ok === false && 'failure' in value ? readFailure(value.failure) : undefined;
    if (failure !== undefined) return { ok: false, failure };
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
  if (!isRecord(error) || !isRecord(error['failureDetails'])) return undefined;
  // The outermost entry is the platform's wrapper; the innermost says what happened.
  const { errorType, errorMessage } = innermost(error['failureDetails'], 'innerFailure');
  if (typeof errorMessage !== 'string') return undefined;
  return { code: shortType(errorType) ?? 'host', message: errorMessage };
}

/** `<reason> \n <details>`: the reason is for people, the details name the exception's class when they are JSON. */
function fromReasonText(text: string): Read {
  const [reason = '', ...details] = text.split(' \n ');
  const message = reason.replace(/^(Activity|Orchestrator) function '[^']*' failed: */i, '').trim();
  const code = classOf(details.join(' \n ')) ?? 'host';
  // An app that tells the library of its exceptions' properties has them sent as JSON in place of the message.
  const told = parseJson(message);
  if (isRecord(told) && typeof told['errorMessage'] === 'string') {
    return { code: shortType(told['errorType']) ?? code, message: told['errorMessage'] };
  }
  return { code, message: message === '' ? text.trim() : message };
}

/** The class of the innermost exception that names one; a serialised .NET exception says it in one of two ways. */
function classOf(details: string): string | undefined {
  const parsed = parseJson(details);
  if (!isRecord(parsed)) return undefined;
  const inner = innermost(parsed, 'InnerException');
  return shortType(inner['ClassName']) ?? shortType(inner['$type']) ?? shortType(parsed['ClassName']);
}

function innermost(outer: Readonly<Record<string, unknown>>, field: string): Readonly<Record<string, unknown>> {
  const inner = outer[field];
  return isRecord(inner) ? innermost(inner, field) : outer;
}

/** `System.TimeoutException, System.Private.CoreLib` -> `TimeoutException`. */
function shortType(name: unknown): string | undefined {
  if (typeof name !== 'string') return undefined;
  return name.split(',')[0]?.split('.').at(-1)?.trim() || undefined;
}

/** Undefined for what is no JSON: details of other hosts are free text. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function clip(text: string): string {
  return text.length > 1_000 ? `${text.slice(0, 1_000)}...` : text;
}
