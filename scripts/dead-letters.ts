import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { Refused, createCall } from './dead-letters/app-client';
import type { Answer, Call } from './dead-letters/app-client';
import { UsageError, deedOf, editOf, filterOf, numberOf, readCommand, usage } from './dead-letters/options';
import type { Options } from './dead-letters/options';
import { redriveAll, redriveEach } from './dead-letters/redrive';
import { showLetter, showList, showRedriven, showSummary } from './dead-letters/show';

/**
 * Dead letters for operators, on the command line. Everything goes through the running app's HTTP routes, here as in
 * Azure, so that there is one way to do a thing and one history of it.
 */

const USUAL_LIST = 50;
const LARGEST_PAGE = 500;

type Command = (call: Call, ids: readonly string[], values: Options) => Promise<void>;

const commands: Readonly<Record<string, Command>> = {
  async list(call, ids, values) {
    requireNone('list', ids);
    const limit = numberOf('limit', values.limit, 1) ?? USUAL_LIST;
    const letters: Answer[] = [];
    let after: string | undefined;
    do {
      const page = { ...filterOf(values), limit: String(Math.min(limit - letters.length, LARGEST_PAGE)) };
      const query = new URLSearchParams({ ...page, ...(after !== undefined && { after }) }).toString();
      const answer = await call('GET', `?${query}`);
      letters.push(...(answer['deadLetters'] as Answer[]));
      after = answer['next'] === undefined ? undefined : String(letters.at(-1)?.['id']);
    } while (after !== undefined && letters.length < limit);
    print(values, letters, () => showList(letters));
  },

  async summary(call, ids, values) {
    requireNone('summary', ids);
    const answer = await call('GET', `/summary?${new URLSearchParams(filterOf(values)).toString()}`);
    print(values, answer, () => showSummary(answer));
  },

  async show(call, ids, values) {
    const answer = await call('GET', `/${encodeURIComponent(requireOne('show', ids))}`);
    print(values, answer, () => showLetter(answer));
  },

  async edit(call, ids, values) {
    const id = requireOne('edit', ids);
    const edit = editOf(values, readNewBody(values));
    const answer = await call('PATCH', `/${encodeURIComponent(id)}`, { ...deedOf(values), ...edit });
    print(values, answer, () => showLetter(answer));
  },

  async redrive(call, ids, values) {
    const filter = filterOf(values);
    const isFiltered = Object.keys(filter).length > 0;
    if ([ids.length > 0, isFiltered, values.all].filter(Boolean).length !== 1) {
      throw new UsageError('redrive: expected ids, or a filter such as --reason, or --all: one of the three');
    }
    if (values.status !== undefined) throw new UsageError('redrive: expected no --status, only open ones are redriven');
    const perSecond = numberOf('per-second', values['per-second'], 0.1);
    const wish = { ...deedOf(values), dryRun: values['dry-run'] };
    const outcome =
      ids.length > 0
        ? await redriveEach(call, ids, wish, async () => wait(1_000 / (perSecond ?? 10)))
        : await redriveAll(call, { ...filter, ...wish, ...(perSecond !== undefined && { perSecond }) }, (done, total) =>
            process.stderr.write(`${done} of ${total}\n`),
          );
    print(values, outcome, () => showRedriven(outcome));
    if (outcome.failed.length > 0) process.exitCode = 1;
  },

  async discard(call, ids, values) {
    if (ids.length === 0) throw new UsageError('discard: expected the ids of dead letters');
    const discarded: Answer[] = [];
    for (const id of ids) discarded.push(await call('POST', `/${encodeURIComponent(id)}/discard`, deedOf(values)));
    print(values, discarded, () => showList(discarded));
  },
};

async function main(): Promise<void> {
  const { command, ids, values } = readCommand(process.argv.slice(2));
  if (values.help) {
    console.log(usage);
    return;
  }
  const run = commands[command ?? ''];
  if (!run) throw new UsageError(`expected one of ${Object.keys(commands).join(', ')}, got ${command ?? 'nothing'}`);
  const url = values.url ?? process.env['APP_URL'] ?? 'http://localhost:7071';
  if (!URL.canParse(url)) throw new UsageError(`--url: expected a URL, got "${url}"`);
  await run(createCall(url, values.key ?? process.env['APP_KEY']), ids, values);
}

function requireNone(command: string, ids: readonly string[]): void {
  if (ids.length > 0) throw new UsageError(`${command}: expected options only, got "${ids.join(' ')}"`);
}

function requireOne(command: string, ids: readonly string[]): string {
  const [id] = ids;
  if (id === undefined || ids.length > 1) throw new UsageError(`${command}: expected the id of one dead letter`);
  return id;
}

function readNewBody({ body, 'body-file': file }: Options): string | undefined {
  if (body !== undefined && file !== undefined) throw new UsageError('edit: expected --body or --body-file, got both');
  if (file === undefined) return body;
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw new UsageError(`--body-file: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function print(values: Options, answer: unknown, show: () => string): void {
  console.log(values.json ? JSON.stringify(answer, undefined, 2) : show());
}

main().catch((error: unknown) => {
  if (error instanceof UsageError) {
    console.error(`${error.message}\n\n${usage}`);
    process.exitCode = 2;
    return;
  }
  console.error(error instanceof Refused ? error.message : error);
  process.exitCode = 1;
});
