import { Buffer } from 'node:buffer';
import { z } from 'zod';
import { keepBytes } from './kept-message';
import type { KeptBody, KeptMessage, PlainValue } from './kept-message';

const idForm = 'expected 1 to 128 characters';
const idOf = z.string(idForm).min(1, idForm).max(128, idForm);
const textForm = 'expected a text of at most 1,000 characters';
const text = z.string(textForm).max(1_000, textForm);
const propertyForm = 'expected a text, a number, true, false, or null to take it away';
const bodyForm = 'expected one of { "text": "..." }, { "json": ... } and { "base64": "..." }';

const bodySchema = z.union(
  [z.strictObject({ text: z.string() }), z.strictObject({ json: z.json() }), z.strictObject({ base64: z.base64() })],
  bodyForm,
);

/** What an operator may change of a dead letter before it is redriven: what stays out stays, `null` takes away. */
export const editSchema = z.strictObject({
  body: bodySchema.optional(),
  contentType: text.nullable().optional(),
  subject: text.nullable().optional(),
  correlationId: idOf.nullable().optional(),
  sessionId: idOf.nullable().optional(),
  /** Application properties, by name. */
  properties: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()], propertyForm)).optional(),
});
export type Edit = z.infer<typeof editSchema>;

/** The message with the changes made, and their names. */
export function applyEdit(
  message: KeptMessage,
  { body, properties, ...others }: Edit,
): { readonly message: KeptMessage; readonly changed: readonly string[] } {
  const settled = Object.entries(others).filter(([, value]) => value !== undefined);
  const removed = settled.filter(([, value]) => value === null).map(([name]) => name);
  const written = settled.filter(([, value]) => value !== null);
  const edited: KeptMessage = {
    ...message,
    ...(Object.fromEntries(written) as Partial<KeptMessage>),
    applicationProperties: mergeProperties(message.applicationProperties, properties ?? {}),
    body: body ? toBody(body) : message.body,
  };
  const left = Object.fromEntries(Object.entries(edited).filter(([name]) => !removed.includes(name)));
  const changed = [
    ...(body ? ['body'] : []),
    ...settled.map(([name]) => name),
    ...Object.keys(properties ?? {}).map((name) => `properties.${name}`),
  ];
  return { message: left as unknown as KeptMessage, changed };
}

function mergeProperties(
  old: Readonly<Record<string, PlainValue>>,
  changes: Readonly<Record<string, PlainValue>>,
): Readonly<Record<string, PlainValue>> {
  return Object.fromEntries(
    Object.entries({ ...old, ...changes }).filter(([name, value]) => !(name in changes) || value !== null),
  );
}

function toBody(body: NonNullable<Edit['body']>): KeptBody {
  if ('text' in body) return keepBytes(Buffer.from(body.text, 'utf8'));
  return 'json' in body
    ? { kind: 'text', text: JSON.stringify(body.json) }
    : keepBytes(Buffer.from(body.base64, 'base64'));
}
