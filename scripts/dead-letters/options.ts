import { userInfo } from 'node:os';
import { parseArgs } from 'node:util';

export const usage = `Usage: npm run dead-letters -- <command> [options]
  list                 newest first
  summary              counts by reason, team, entity, status and day
  show <id>            all of one: message, history, what it would be refused for
  edit <id>            changes what will be redriven
  redrive <id>...      sends them to where they came from
  redrive <filter>     sends all that match, oldest first; --all for all there are
  discard <id>...      they are of no use any more
Which (list, summary, redrive):
  --entity <name>      a queue (orders) or a subscription (order-events/Subscriptions/e-mail)
  --reason <reason>    e.g. invalid_message, payment_failed, timeout
  --team <team>        payments, database, senders or onCall
  --status <status>    open, redriving, redriven or discarded; not for redrive
  --from, --to <time>  stored since, before: 2026-01-31 or 2026-01-31T12:00:00Z
  --limit <n>          list: at most so many (50)
Edit:
  --body <text>        the new body; --body-file <file> reads it from a file, '-' from standard input
  --property <n>=<v>   sets an application property; <v> is JSON, or text when it is none; may come again
  --remove <n>         takes an application property away; may come again
  --session-id <id>, --subject <text>, --correlation-id <id>, --content-type <type>
Redrive:
  --dry-run            says what would be sent, and sends nothing
  --per-second <n>     no faster than that (10)
All:
  --by <name>          who does it, for the history (the name you are logged in by)
  --note <text>        why, for the history
  --url <url>          where the app answers (APP_URL, or http://localhost:7071)
  --key <key>          the host's master key, when it asks for one (APP_KEY)
  --json               prints JSON
Ends with 0, with 1 when something was refused or failed, with 2 when the command makes no sense.`;

/** The command makes no sense. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const text = { type: 'string' } as const;
const texts = { type: 'string', multiple: true } as const;
const flag = { type: 'boolean', default: false } as const;
const options = {
  ...{ entity: text, reason: text, team: text, status: text, from: text, to: text, limit: text, all: flag },
  ...{ body: text, 'body-file': text, property: texts, remove: texts },
  ...{ 'session-id': text, subject: text, 'correlation-id': text, 'content-type': text },
  ...{ 'dry-run': flag, 'per-second': text, by: text, note: text, url: text, key: text, json: flag, help: flag },
} as const;

export type Options = ReturnType<typeof parse>['values'];

export function readCommand(args: readonly string[]): {
  readonly command: string | undefined;
  readonly ids: readonly string[];
  readonly values: Options;
} {
  const { values, positionals } = parse(args);
  const [command, ...ids] = positionals;
  return { command, ids, values };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** Who does it, and why. */
export function deedOf({ by, note }: Options): { readonly by: string; readonly note?: string } {
  return { by: by ?? userInfo().username, ...(note !== undefined && { note }) };
}

const filterNames = ['entity', 'reason', 'team', 'status', 'from', 'to'] as const;

export function filterOf(values: Options): Readonly<Record<string, string>> {
  const given = filterNames.map((name) => [name, values[name]] as const);
  return Object.fromEntries(
    given.filter((entry): entry is [(typeof filterNames)[number], string] => entry[1] !== undefined),
  );
}

export function numberOf(name: string, value: string | undefined, least: number): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (value.trim() === '' || !Number.isFinite(number) || number < least) {
    throw new UsageError(`--${name}: expected a number from ${least}, got "${value}"`);
  }
  return number;
}

/** What an edit changes, as the app takes it; `body` is what was read for it. */
export function editOf(values: Options, body: string | undefined): Readonly<Record<string, unknown>> {
  const named = {
    sessionId: values['session-id'],
    subject: values.subject,
    correlationId: values['correlation-id'],
    contentType: values['content-type'],
  };
  const set = (values.property ?? []).map(readProperty);
  const removed = (values.remove ?? []).map((name) => [name, null] as const);
  const properties = Object.fromEntries([...set, ...removed]);
  const edit = {
    ...(body !== undefined && { body: { text: body } }),
    ...Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined)),
    ...(Object.keys(properties).length > 0 && { properties }),
  };
  if (Object.keys(edit).length > 0) return edit;
  throw new UsageError('edit: expected something to change: --body, --body-file, --property, --remove, --subject ...');
}

function readProperty(pair: string): readonly [string, unknown] {
  const at = pair.indexOf('=');
  if (at < 1) throw new UsageError(`--property: expected <name>=<value>, got "${pair}"`);
  const [name, value] = [pair.slice(0, at), pair.slice(at + 1)];
  try {
    const json: unknown = JSON.parse(value);
    return [name, typeof json === 'object' ? value : json];
  } catch {
    return [name, value];
  }
}
