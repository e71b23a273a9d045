import type { HttpRequest } from '@azure/functions';
import { z } from 'zod';
import { orderIdSchema, returnIdSchema } from '../../domain/ids';
import type { OrderId, ReturnId } from '../../domain/ids';
import { MAX_BODY_BYTES, decodeJson, isBlank } from '../../domain/json-body';
import { textOf } from '../../domain/text';
import { toViolations } from '../../domain/violations';
import { Problem, invalid } from './problem';

/** The body of a cancel. */
export const cancelSchema = z.strictObject({ reason: textOf(200).optional() });

/** Reads the body as JSON, whatever its content type says. Throws `Problem`. */
export async function readJson(request: HttpRequest): Promise<unknown> {
  return parseJson(await readBytes(request));
}

/** Reads the body as JSON of the schema. Throws `Problem`. */
export async function readBody<Schema extends z.ZodType>(
  request: HttpRequest,
  schema: Schema,
): Promise<z.output<Schema>> {
  return parse(schema, await readJson(request));
}

/** The same for bodies that may be left out: nothing is read as `{}`. */
export async function readOptionalBody<Schema extends z.ZodType>(
  request: HttpRequest,
  schema: Schema,
): Promise<z.output<Schema>> {
  const bytes = await readBytes(request);
  return parse(schema, isBlank(bytes) ? {} : parseJson(bytes));
}

/** Reads the query; the function key, which Azure takes there too, is none of ours. Throws `Problem`. */
export function readQuery<Schema extends z.ZodType>(request: HttpRequest, schema: Schema): z.output<Schema> {
  const { code: _, clientId: __, ...query } = Object.fromEntries(request.query);
  const repeated = Object.keys(query).filter((name) => request.query.getAll(name).length > 1);
  if (repeated.length > 0) throw invalid(repeated.map((path) => ({ path, message: 'expected once, got several' })));
  return parse(schema, query);
}

/** The order id of the route. What can't be an id is no order's, so that is told as not found. */
export function readOrderId(request: HttpRequest): OrderId {
  const id = orderIdSchema.safeParse(request.params['orderId']);
  if (!id.success) throw unknownOrder(request.params['orderId'] ?? '');
  return id.data;
}

export function unknownOrder(id: string): Problem {
  return new Problem('unknownOrder', `No order has the id "${id.slice(0, 64)}".`);
}

/** The return id of the route. */
export function readReturnId(request: HttpRequest): ReturnId {
  const id = returnIdSchema.safeParse(request.params['returnId']);
  if (!id.success) throw unknownReturn(request.params['returnId'] ?? '');
  return id.data;
}

export function unknownReturn(id: string): Problem {
  return new Problem('unknownReturn', `No return has the id "${id.slice(0, 100)}".`);
}

function parse<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const parsed = schema.safeParse(input);
  if (!parsed.success) throw invalid(toViolations(parsed.error, input));
  return parsed.data;
}

async function readBytes(request: HttpRequest): Promise<Uint8Array> {
  const announced = Number(request.headers.get('content-length') ?? 0);
  if (announced > MAX_BODY_BYTES) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (request.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function parseJson(bytes: Uint8Array): unknown {
  const decoded = decodeJson(bytes);
  if (!decoded.ok) throw invalid([{ path: '', message: decoded.message }]);
  return decoded.value;
}

function tooLarge(): Problem {
  return new Problem('bodyTooLarge', `Expected a body of at most ${MAX_BODY_BYTES} bytes.`);
}
