import type { WebhookRequest, WebhookResponse } from './ports';

const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' };

/** An answer with no body. */
export function emptyAnswer(status: number): WebhookResponse {
  return { status, headers: {}, body: '' };
}

export function jsonAnswer(
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): WebhookResponse {
  return { status, headers: { ...JSON_TYPE, ...headers }, body: JSON.stringify(value) };
}

/** JSON that is there already. */
export function jsonTextAnswer(
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): WebhookResponse {
  return { status, headers: { ...JSON_TYPE, ...headers }, body };
}

/** An error as the real host's extension words it: what went wrong in general, and the exception behind it. */
export function errorAnswer(
  status: number,
  message: string,
  exception?: { readonly message: string; readonly type: string },
): WebhookResponse {
  return jsonAnswer(status, {
    Message: message,
    ...(exception !== undefined && {
      ExceptionMessage: exception.message,
      ExceptionType: exception.type,
      StackTrace: '',
    }),
  });
}

/** The body as JSON text, or the answer that refuses it. */
export function readJsonBody(
  request: WebhookRequest,
): { readonly json: string } | { readonly refusal: WebhookResponse } {
  const json = request.body.toString('utf8');
  try {
    JSON.parse(json);
    return { json };
  } catch (error) {
    return { refusal: invalidJson((error as Error).message) };
  }
}

export function invalidJson(why: string): WebhookResponse {
  return errorAnswer(400, 'Invalid JSON content', { message: why, type: 'Newtonsoft.Json.JsonReaderException' });
}
