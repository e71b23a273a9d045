import type { HttpHandler, HttpRequest } from '@azure/functions';
import { z } from 'zod';
import { deadLetterIdSchema, deadLetterStatuses } from '../../domain/dead-letter';
import type { DeadLetterId, DeadLetterSummary, StoredDeadLetter } from '../../domain/dead-letter';
import { deadLetterReasons, teams } from '../../domain/dead-letter-reason';
import { checkBody } from '../../domain/message-faults';
import type { DeadLetterCount, DeadLetters } from '../../ports';
import { pageSizeSchema, toNextPage } from './page';
import { Problem, answering, invalid } from './problem';
import { readQuery } from './read-request';

interface Deps {
  readonly deadLetters: DeadLetters;
}

const timeForm = 'expected a time such as 2026-01-31T12:00:00Z or a day such as 2026-01-31';
const timeSchema = z
  .union([z.iso.datetime({ offset: true }), z.iso.date()], timeForm)
  .transform((text) => new Date(text));
const entityForm = 'expected the name of a queue, or <topic>/Subscriptions/<name>';

/** Which dead letters, in queries and bodies alike. */
export const filterShape = {
  entity: z.string(entityForm).min(1, entityForm).max(300, entityForm).optional(),
  reason: z.enum(deadLetterReasons, `expected one of ${deadLetterReasons.join(', ')}`).optional(),
  team: z.enum(teams, `expected one of ${teams.join(', ')}`).optional(),
  from: timeSchema.optional(),
  to: timeSchema.optional(),
};
const status = z.enum(deadLetterStatuses, `expected one of ${deadLetterStatuses.join(', ')}`).optional();
const listSchema = z.strictObject({
  ...filterShape,
  status,
  after: deadLetterIdSchema.optional(),
  limit: pageSizeSchema,
});
const countSchema = z.strictObject({ ...filterShape, status });

/** `GET /api/dead-letters?entity=&reason=&status=&team=&from=&to=&after=&limit=`: newest first. */
export function listDeadLetters({ deadLetters }: Deps): HttpHandler {
  return answering(async (request) => {
    const { after, limit, ...filter } = readQuery(request, listSchema);
    await requireCursor(deadLetters, after);
    const found = await deadLetters.list(filter, { after, limit: limit + 1 });
    const page = found.slice(0, limit);
    const next = found.length > limit ? toNextPage(request, page.at(-1)?.id) : undefined;
    return { jsonBody: { deadLetters: page.map(toListed), next } };
  });
}

/** `GET /api/dead-letters/{id}`: all of it, and what its consumer would refuse it for. */
export function showDeadLetter({ deadLetters }: Deps): HttpHandler {
  return answering(async (request) => {
    const id = readDeadLetterId(request);
    const letter = await deadLetters.find(id);
    if (!letter) throw unknownDeadLetter(id);
    return { jsonBody: toShown(letter) };
  });
}

/** `GET /api/dead-letters/summary?entity=&reason=&status=&team=&from=&to=`: counts in all, and by day. */
export function sumUpDeadLetters({ deadLetters }: Deps): HttpHandler {
  return answering(async (request) => {
    const counts = await deadLetters.count(readQuery(request, countSchema));
    const total = counts.reduce((sum, { count }) => sum + count, 0);
    return {
      jsonBody: {
        total,
        byReason: sumBy(counts, ({ reason }) => reason),
        byTeam: sumBy(counts, ({ team }) => team),
        byEntity: sumBy(counts, ({ entity }) => entity),
        byStatus: sumBy(counts, ({ status: at }) => at),
        days: counts,
      },
    };
  });
}

function sumBy(counts: readonly DeadLetterCount[], nameOf: (count: DeadLetterCount) => string): Record<string, number> {
  const sums = new Map<string, number>();
  for (const group of counts) sums.set(nameOf(group), (sums.get(nameOf(group)) ?? 0) + group.count);
  return Object.fromEntries([...sums].sort(([a, many], [b, more]) => more - many || (a < b ? -1 : 1)));
}

/** The dead letter's id of the route. */
export function readDeadLetterId(request: HttpRequest): DeadLetterId {
  const id = deadLetterIdSchema.safeParse(request.params['id']);
  if (!id.success) throw unknownDeadLetter(request.params['id'] ?? '');
  return id.data;
}

export function unknownDeadLetter(id: string): Problem {
  return new Problem('unknownDeadLetter', `No dead letter has the id "${id.slice(0, 64)}".`);
}

/** A page begins after a dead letter that is there; anything else would look like the end. */
export async function requireCursor(deadLetters: DeadLetters, after: DeadLetterId | undefined): Promise<void> {
  if (after === undefined || (await deadLetters.find(after))) return;
  throw invalid([{ path: 'after', message: `expected the id of a dead letter, got "${after}"` }]);
}

function toListed(letter: DeadLetterSummary) {
  return {
    ...letter,
    enqueuedAt: letter.enqueuedAt?.toISOString(),
    storedAt: letter.storedAt.toISOString(),
    updatedAt: letter.updatedAt.toISOString(),
  };
}

export function toShown(letter: StoredDeadLetter) {
  const { message, edited, history, ...summary } = letter;
  return {
    ...toListed(summary),
    message,
    edited,
    violations: checkBody(letter.entity, (edited ?? message).body),
    history: history.map(({ at, ...action }) => ({ at: at.toISOString(), ...action })),
  };
}
