import type { HttpRequest } from '@azure/functions';
import { z } from 'zod';
import { orderIdSchema, returnIdSchema } from '../../domain/ids';
import type { OrderId, ReturnId } from '../../domain/ids';
import { textOf } from '../../domain/text';
import { toViolations } from '../../domain/violations';
import type { Violation } from '../../domain/violations';
import { Problem, invalid } from './problem';

const MAX_BODY_BYTES = 1_000_000;

/** The body of a cancel. */
export const cancelSchema = z.strictObject({ reason: textOf(200).optional() });

/**
 * Reads the body as JSON of the schema, whatever its content type says. Of a body that is not valid, `findMore` may say
 * what else is wrong that no schema can know. Throws `Problem`.
 */
export async function readBody<Schema extends z.ZodType>(
  request: HttpRequest,
  schema: Schema,
  findMore?: (input: unknown) => Promise<readonly Violation[]>,
): Promise<z.output<Schema>> {
  const input = parseJson(await readText(request));
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw invalid([...toViolations(parsed.error, input), ...((await findMore?.(input)) ?? [])]);
}

/** The same for bodies that may be left out: nothing is read as `{}`. */
export async function readOptionalBody<Schema extends z.ZodType>(
  request: HttpRequest,
  schema: Schema,
): Promise<z.output<Schema>> {
  const text = await readText(request);
  return parse(schema, text.trim() === '' ? {} : parseJson(text));
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

async function readText(request: HttpRequest): Promise<string> {
  const announced = Number(request.headers.get('content-length') ?? 0);
  if (announced > MAX_BODY_BYTES) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (request.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch {
    throw invalid([{ path: '', message: 'expected JSON in UTF-8, got other bytes' }]);
  }
}

function parseJson(text: string): unknown {
  if (text.trim() === '') throw invalid([{ path: '', message: 'expected a JSON body, got nothing' }]);
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw invalid([{ path: '', message: `expected JSON: ${reason}` }]);
  }
}

function tooLarge(): Problem {
  return new Problem('bodyTooLarge', `Expected a body of at most ${MAX_BODY_BYTES} bytes.`);
}
