/** The `error` member of an answer, in the shape that Stripe's clients read. */
export interface StripeErrorBody {
  readonly type: 'card_error' | 'invalid_request_error' | 'idempotency_error' | 'api_error';
  readonly code?: string;
  readonly decline_code?: string;
  readonly message: string;
  readonly param?: string;
}

/** A request that was refused before anything was done or kept. */
export class StripeRequestError extends Error {
  readonly status: number;
  readonly body: StripeErrorBody;

  constructor(status: number, body: StripeErrorBody) {
    super(body.message);
    this.status = status;
    this.body = body;
  }
}

/** A parameter that can't be accepted. */
export function badParameter(code: string, param: string, message: string): StripeRequestError {
  return new StripeRequestError(400, { type: 'invalid_request_error', code, param, message });
}

/** Something that does not exist: 404 when the path names it, 400 when a parameter does. */
export function missingResource(status: 400 | 404, kind: string, id: string, param: string): StripeRequestError {
  return new StripeRequestError(status, {
    type: 'invalid_request_error',
    code: 'resource_missing',
    param,
    message: `${kind} ${JSON.stringify(id)} does not exist here`,
  });
}
