import type { DeadLetterSummary } from './dead-letter';
import type { DeadLetterReason, Team } from './dead-letter-reason';

/** One mail about all dead letters of one reason that have come since the mail before. */
export interface DeadLetterNotice {
  /** The mail's key: the same mail sent twice is recognised by it. */
  readonly key: string;
  readonly team: Team;
  readonly reason: DeadLetterReason;
  readonly count: number;
  /** How many of them came from where. */
  readonly entities: readonly { readonly entity: string; readonly count: number }[];
  /** The first ones. */
  readonly letters: readonly Pick<DeadLetterSummary, 'id' | 'entity' | 'description' | 'storedAt'>[];
}

/** How many dead letters a mail names one by one. */
export const LISTED_IN_NOTICE = 20;
const LONGEST_DESCRIPTION = 200;

/** The mail. It says the same whenever it is made of the same notice; what the messages say is not in it. */
export function describeNotice(notice: DeadLetterNotice): { readonly subject: string; readonly text: string } {
  const { reason, count, entities, letters } = notice;
  const messages = count === 1 ? '1 dead letter' : `${count} dead letters`;
  const more = count - letters.length;
  return {
    subject: `${messages}: ${reason} (${entities.map(({ entity }) => entity).join(', ')})`,
    text: [
      `${messages} with the reason ${reason}.`,
      '',
      ...entities.map((from) => `${from.entity}: ${from.count}`),
      '',
      ...letters.map(toLine),
      ...(more > 0 ? [`... and ${more} more`] : []),
      '',
      `See them:      npm run dead-letters -- list --reason ${reason} --status open`,
      'One of them:   npm run dead-letters -- show <id>',
      `Try:           npm run dead-letters -- redrive --reason ${reason} --dry-run`,
      `Redrive them:  npm run dead-letters -- redrive --reason ${reason}`,
      '',
    ].join('\n'),
  };
}

function toLine({ id, entity, description, storedAt }: DeadLetterNotice['letters'][number]): string {
  const said = description === undefined ? '' : `: ${shorten(description.replaceAll(/\s+/g, ' ').trim())}`;
  return `${id}  ${storedAt.toISOString()}  ${entity}${said}`;
}

function shorten(text: string): string {
  return text.length > LONGEST_DESCRIPTION ? `${text.slice(0, LONGEST_DESCRIPTION)}...` : text;
}
