import type { HttpHandler } from '@azure/functions';
import { z } from 'zod';
import { deadLetterIdSchema } from '../../domain/dead-letter';
import type { DeadLetterId, DeadLetterStatus } from '../../domain/dead-letter';
import { applyEdit, editSchema } from '../../domain/dead-letter-edit';
import { checkBody } from '../../domain/message-faults';
import { textOf } from '../../domain/text';
import type { ChangeOutcome, Clock, DeadLetters } from '../../ports';
import type { ManyOutcome, Redriver } from '../dead-letter-redrive';
import { Problem, answering, invalid } from './problem';
import { readBody } from './read-request';
import { filterShape, readDeadLetterId, requireCursor, toShown, unknownDeadLetter } from './show-dead-letters';

interface Deps {
  readonly deadLetters: DeadLetters;
  readonly redriver: Redriver;
  readonly clock: Clock;
}

/** Who is asking; the key that opens these routes says it of nobody. */
const by = textOf(100);
const note = textOf(500).optional();
const editRequestSchema = z.strictObject({ by, note, ...editSchema.shape });
const discardSchema = z.strictObject({ by, note });
const redriveSchema = z.strictObject({ by, note, dryRun: z.boolean().default(false) });

const LARGEST_PART = 1_000;
const limitForm = `expected a whole number from 1 to ${LARGEST_PART}`;
const rateForm = 'expected a number from 0.1 to 1,000';
const manySchema = z.strictObject({
  ...redriveSchema.shape,
  ...filterShape,
  after: deadLetterIdSchema.optional(),
  limit: z.int(limitForm).min(1, limitForm).max(LARGEST_PART, limitForm).default(100),
  perSecond: z.number(rateForm).min(0.1, rateForm).max(1_000, rateForm).default(10),
});

/**
 * `PATCH /api/dead-letters/{id}` `{by, note?, body?, contentType?, subject?, correlationId?, sessionId?, properties?}`:
 * changes what will be redriven. A body that its consumer would refuse is refused here, with all that is wrong with it.
 */
export function editDeadLetter({ deadLetters }: Deps): HttpHandler {
  return answering(async (request) => {
    const id = readDeadLetterId(request);
    const { by: who, note: said, ...edit } = await readBody(request, editRequestSchema);
    const letter = await deadLetters.find(id);
    if (!letter) throw unknownDeadLetter(id);
    const { message, changed } = applyEdit(letter.edited ?? letter.message, edit);
    if (changed.length === 0) throw invalid([{ path: '', message: 'expected something to change, got nothing' }]);
    const violations = checkBody(letter.entity, message.body);
    if (violations.length > 0) throw invalid(violations);
    const notes = [changed.join(', '), ...(said === undefined ? [] : [said])];
    return answerChange(id, await deadLetters.edit(id, message, { by: who, note: notes.join(': ') }));
  });
}

/** `POST /api/dead-letters/{id}/discard` `{by, note?}`: it is of no use any more. */
export function discardDeadLetter({ deadLetters }: Deps): HttpHandler {
  return answering(async (request) => {
    const id = readDeadLetterId(request);
    return answerChange(id, await deadLetters.discard(id, await readBody(request, discardSchema)));
  });
}

/** `POST /api/dead-letters/{id}/redrive` `{by, note?, dryRun?}`: sends it to where it came from, or says what that would be. */
export function redriveDeadLetter({ deadLetters, redriver }: Deps): HttpHandler {
  return answering(async (request) => {
    const id = readDeadLetterId(request);
    const { dryRun, ...deed } = await readBody(request, redriveSchema);
    if (dryRun) {
      const letter = await deadLetters.find(id);
      if (!letter) throw unknownDeadLetter(id);
      if (letter.status !== 'open' && letter.status !== 'redriving') throw notAllowed(id, letter.status);
      return { jsonBody: { dryRun, ...redriver.preview(letter) } };
    }
    const outcome = await redriver.redrive(id, deed);
    if (outcome.kind === 'unknown') throw unknownDeadLetter(id);
    if (outcome.kind === 'notAllowed') throw notAllowed(id, outcome.status);
    if (outcome.kind === 'failed') {
      throw new Problem('unavailable', `Dead letter ${id} could not be sent and is open again: ${outcome.reason}`);
    }
    const { kind: _, ...redriven } = outcome;
    return { jsonBody: { dryRun, ...redriven } };
  });
}

/**
 * `POST /api/dead-letters/redrive` `{by, note?, dryRun?, entity?, reason?, team?, from?, to?, after?, limit?, perSecond?}`:
 * sends those that match, oldest first, for at most 20 seconds. `next` is the body of the request that goes on from
 * there; without it all has been tried.
 */
export function redriveDeadLetters({ deadLetters, redriver, clock }: Deps): HttpHandler {
  return answering(async (request) => {
    const asked = await readBody(request, manySchema);
    const { by: who, note: said, dryRun, after, limit, perSecond, ...filter } = asked;
    await requireCursor(deadLetters, after);
    // What is redriven now and comes back must not be redriven by the requests that follow.
    const to = filter.to ?? clock.now();
    const part = { filter: { ...filter, to }, after, limit };
    const outcome: ManyOutcome = dryRun
      ? await redriver.previewMany(part)
      : await redriver.redriveMany({ ...part, perSecond }, { by: who, note: said });
    const { after: last, ...told } = outcome;
    const next = last !== undefined && {
      next: { ...asked, to: to.toISOString(), from: filter.from?.toISOString(), after: last },
    };
    return { jsonBody: { dryRun, ...told, ...next } };
  });
}

function answerChange(id: DeadLetterId, outcome: ChangeOutcome) {
  if (outcome.kind === 'unknown') throw unknownDeadLetter(id);
  if (outcome.kind === 'notAllowed') throw notAllowed(id, outcome.status);
  return { jsonBody: toShown(outcome.letter) };
}

function notAllowed(id: DeadLetterId, status: DeadLetterStatus): Problem {
  return new Problem('notAllowed', `Dead letter ${id} is ${status}.`);
}
