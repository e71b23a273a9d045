import type { InstanceStatus } from '../store/store';
import type { Failure, TypedFailure } from '../engine/history';
import { toJsonOrText } from '../engine/json';

/**
 * Failures in the words of the real host. What an orchestrator catches is made of two texts, `reason` and `details`;
 * the latter is JSON of the exception chain that the host and its worker produce, so that code which reads it there
 * finds the handler's own message and stack in the same place here (`InnerException.RemoteMessage`, `.RemoteStackTrace`).
 */
export function describeActivityFailure(name: string, error: unknown): Failure {
  const { message, stack } = toMessageAndStack(error);
  const typed = toTypedFailure(message, stack);
  return {
    reason: `Activity function '${name}' failed:  ${message}`,
    details: toExceptionJson(message, stack),
    ...(typed !== undefined && { typed }),
  };
}

/** A request of `callHttp` without an answer, in the words of the real host where it has some of its own. */
export function describeHttpFailure(error: unknown): Failure {
  const message = toHttpMessage(
    error as NodeJS.ErrnoException & { address?: string; port?: number; hostname?: string },
  );
  return {
    reason: message,
    details: JSON.stringify({
      $type: 'System.Net.Http.HttpRequestException, System.Net.Http',
      StatusCode: null,
      Message: message,
      Data: { $type: 'System.Collections.ListDictionaryInternal, System.Private.CoreLib' },
      InnerException: null,
      HelpLink: null,
      Source: 'System.Net.Http',
      HResult: -2147467259,
      StackTrace: null,
    }),
  };
}

function toHttpMessage(
  error: NodeJS.ErrnoException & { readonly address?: string; readonly port?: number; readonly hostname?: string },
): string {
  const { code, hostname, address, port, message } = first(error);
  switch (code) {
    case 'ECONNREFUSED':
      return `Connection refused (${address}:${port})`;
    case 'ENOTFOUND':
      return `Name or service not known (${hostname})`;
    case 'ECONNRESET':
    case 'EPIPE':
      return `An error occurred while sending the request. (${message})`;
    default:
      return message;
  }
}

/** Several addresses of one name that were tried come as one error around theirs. */
function first<E extends Error>(error: E): E {
  return error instanceof AggregateError ? ((error.errors[0] as E | undefined) ?? error) : error;
}

/** The failure of a sub-orchestration: its details are a text there, not JSON. */
export function describeChildFailure(name: string, status: InstanceStatus, output: string | undefined): Failure {
  const said: unknown = output === undefined ? undefined : JSON.parse(output);
  const reason = typeof said === 'string' ? said : (output ?? '');
  if (status === 'Failed') {
    const thrown = reason.replace(/^Orchestrator function '[^']*' failed: /, '');
    return { reason, details: `Message: ${thrown}, StackTrace: ` };
  }
  return {
    reason: `Orchestrator function '${name}' was terminated: ${reason}`,
    details: toExceptionJson(reason, undefined),
  };
}

function toMessageAndStack(error: unknown): { message: string; stack: string | undefined } {
  if (error instanceof Error || (typeof error === 'object' && error !== null && 'message' in error)) {
    const { message, stack } = error as Partial<Error>;
    return { message: String(message), stack };
  }
  return { message: typeof error === 'string' ? error : toJsonOrText(error), stack: undefined };
}

function toExceptionJson(message: string, stack: string | undefined): string {
  const shared = { HelpLink: null, HResult: -2146233088 };
  return JSON.stringify({
    $type: 'System.Exception, System.Private.CoreLib',
    ClassName: 'System.Exception',
    Message: ` ${message}`,
    Data: null,
    InnerException: {
      $type: 'Microsoft.Azure.WebJobs.Script.Workers.Rpc.RpcException, Microsoft.Azure.WebJobs.Script',
      IsUserException: false,
      RemoteStackTrace: stack ?? null,
      RemoteMessage: message,
      RemoteTypeName: null,
      Message: `Result: Failure\nException: ${message}\nStack: ${stack ?? ''}`,
      Data: { $type: 'System.Collections.ListDictionaryInternal, System.Private.CoreLib' },
      InnerException: null,
      ...shared,
      Source: 'System.Private.CoreLib',
      StackTrace: '',
    },
    HelpURL: null,
    StackTraceString: null,
    RemoteStackTraceString: null,
    RemoteStackIndex: 0,
    ExceptionMethod: null,
    HResult: shared.HResult,
    Source: null,
    WatsonBuckets: null,
  });
}

/** An app with an exception properties provider throws errors whose message is JSON of the failure as data. */
function toTypedFailure(message: string, stack: string | undefined): TypedFailure | undefined {
  if (!message.startsWith('{"errorType":')) return undefined;
  let data: Partial<TypedFailure>;
  try {
    data = JSON.parse(message) as Partial<TypedFailure>;
  } catch {
    return undefined;
  }
  if (typeof data.errorType !== 'string' || typeof data.errorMessage !== 'string') return undefined;
  const stackTrace = data.stackTrace ?? stack;
  return {
    errorType: data.errorType,
    errorMessage: data.errorMessage,
    ...(stackTrace !== undefined && { stackTrace }),
    isNonRetriable: data.isNonRetriable === true,
    ...(data.properties !== undefined && { properties: data.properties }),
  };
}
