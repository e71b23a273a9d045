import { MAX_BODY_BYTES, decodeJson } from '../../domain/json-body';
import type { OwnReason } from '../../domain/dead-letter-reason';
import type { Violation } from '../../domain/violations';
import type { ReceivedMessage, Settlement } from './settlement';

export type ReadBody =
  | { readonly ok: true; readonly value: unknown }
  /** What becomes of a message that can't be read. */
  | { readonly ok: false; readonly settlement: Settlement };

/** Reads a message's body as JSON, whatever its content type says. */
export function readBody({ bytes }: ReceivedMessage): ReadBody {
  if (bytes === undefined) return refused('not_json', 'expected bytes or text, got another kind of AMQP value');
  if (bytes.length > MAX_BODY_BYTES) {
    return refused('too_large', `expected a body of at most ${MAX_BODY_BYTES} bytes, got ${bytes.length}`);
  }
  const decoded = decodeJson(bytes);
  return decoded.ok ? decoded : refused('not_json', decoded.message);
}

/** A message that is of no use, whoever tries again. */
export function deadLetter(reason: OwnReason, description: string): Settlement {
  return { kind: 'deadLetter', reason, description };
}

/** A line for everything that is wrong with it. */
export function invalidMessage(violations: readonly Violation[]): Settlement {
  const lines = violations.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
  return deadLetter('invalid_message', lines.join('\n'));
}

function refused(reason: OwnReason, description: string): ReadBody {
  return { ok: false, settlement: deadLetter(reason, description) };
}
