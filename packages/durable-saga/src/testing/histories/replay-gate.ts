import { isSagaStatus } from './compare-status';
import type { InstanceSourceOptions, InstanceWithHistory, ListedInstance } from './instance-source';
import { InstanceSource } from './instance-source';
import type { ReplayedCode, ReplayVerdict } from './replay-history';
import { HistoryReplayer } from './replay-history';

/*
 * Whether a build can carry on what a running app has begun: each unfinished instance's history is fetched and replayed
 * against the build, without any effect. Histories are held in memory one at a time for each request under way.
 */

export interface ReplayGateOptions extends InstanceSourceOptions, ReplayedCode {
  /** How many instances at most; taken in turn from the places where instances stand. Default: all. */
  readonly sample?: number | undefined;
  /** Instances, by their ids, that no build has to carry on. Default: none. */
  readonly leaveOut?: ((instanceId: string) => boolean) | undefined;
  /** Histories that are fetched at the same time. Default 8. */
  readonly concurrency?: number;
  /** Told of each instance that is not the same, with all its payloads. */
  readonly onShown?: (verdict: ReplayVerdict, shown: InstanceWithHistory) => void;
}

/** Instances that part from the code at the same place. */
export interface GateGroup {
  /** That of the first. */
  readonly verdict: Exclude<ReplayVerdict, { readonly verdict: 'same' }>;
  readonly count: number;
}

export interface GateResult {
  /** Instances whose histories were replayed. */
  readonly instances: number;
  /** Unfinished instances that were there, without those left out. */
  readonly unfinished: number;
  readonly same: number;
  readonly differs: readonly GateGroup[];
  readonly unverifiable: readonly GateGroup[];
}

/**
 * Replays the histories of an app's unfinished instances against the given code. Rejects with an `InstanceSourceError`
 * when the app can't be asked.
 */
export async function runReplayGate(options: ReplayGateOptions): Promise<GateResult> {
  const { sample, leaveOut = () => false, concurrency = 8, onShown } = options;
  const source = new InstanceSource(options);
  const replayer = new HistoryReplayer(options);
  const found: ListedPlace[] = [];
  for await (const instance of source.unfinished()) {
    if (!leaveOut(instance.instanceId)) found.push({ id: instance.instanceId, place: placeOf(instance) });
  }
  const ids = (sample === undefined ? found : takeInTurn(found, sample)).map(({ id }) => id);
  const groups = new Map<string, { verdict: GateGroup['verdict']; count: number }>();
  let same = 0;
  let gone = 0;
  let next = 0;
  const work = async (): Promise<void> => {
    for (let id = ids[next++]; id !== undefined; id = ids[next++]) {
      const judged = await judge(source, replayer, id);
      if (judged === undefined) gone += 1;
      else if (judged.verdict.verdict === 'same') same += 1;
      else {
        addTo(groups, judged.verdict);
        onShown?.(judged.verdict, judged.shown);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, ids.length) }, work));
  const all = [...groups.values()].sort((a, b) => b.count - a.count);
  const only = (wanted: string): GateGroup[] => all.filter(({ verdict }) => verdict.verdict === wanted);
  return {
    instances: ids.length - gone,
    unfinished: found.length,
    same,
    differs: only('differs'),
    unverifiable: only('unverifiable'),
  };
}

/** One that goes on while it is shown may be shown in two minds at its end: then it is asked for once more. */
async function judge(
  source: InstanceSource,
  replayer: HistoryReplayer,
  id: string,
): Promise<{ readonly verdict: ReplayVerdict; readonly shown: InstanceWithHistory } | undefined> {
  for (let isSecond = false; ; isSecond = true) {
    const shown = await source.find(id);
    if (shown === undefined) return undefined;
    const verdict = replayer.replay(shown);
    const isAtEnd = verdict.verdict === 'differs' && verdict.event >= (shown.historyEvents?.length ?? 0) - 2;
    if (isSecond || (verdict.verdict !== 'unverifiable' && !isAtEnd)) return { verdict, shown };
  }
}

interface ListedPlace {
  readonly id: string;
  readonly place: string;
}

/** Where an instance stands, as far as a list tells: two at the same place are likely to end alike. */
function placeOf({ name, runtimeStatus, customStatus }: ListedInstance): string {
  if (!isSagaStatus(customStatus)) return `${name} ${runtimeStatus}`;
  const { version, state, waitingFor, steps } = customStatus;
  return [name, version, runtimeStatus, state, waitingFor?.event ?? '', steps.at(-1)?.name ?? ''].join(' ');
}

/** One of each place, then a second of each, and so on, so that rare places are among them. */
function takeInTurn(found: readonly ListedPlace[], count: number): readonly ListedPlace[] {
  const places = new Map<string, ListedPlace[]>();
  for (const one of found) {
    const there = places.get(one.place);
    if (there === undefined) places.set(one.place, [one]);
    else there.push(one);
  }
  const taken: ListedPlace[] = [];
  for (let round = 0; taken.length < Math.min(count, found.length); round += 1) {
    for (const there of places.values()) {
      const one = there[round];
      if (one !== undefined && taken.length < count) taken.push(one);
    }
  }
  return taken;
}

function addTo(
  groups: Map<string, { verdict: GateGroup['verdict']; count: number }>,
  verdict: GateGroup['verdict'],
): void {
  const { instance, ...rest } = verdict;
  // Times and the instance's own id differ where the place is the same.
  const key = JSON.stringify(rest)
    .replaceAll(instance, '')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '');
  const group = groups.get(key);
  if (group === undefined) groups.set(key, { verdict, count: 1 });
  else group.count += 1;
}

/** A summary in words, one line each; payloads are not in it. */
export function describeGate({ instances, unfinished, same, differs, unverifiable }: GateResult): string[] {
  const sum = (groups: readonly GateGroup[]): number => groups.reduce((total, { count }) => total + count, 0);
  const counts = [`${same} same`];
  if (differs.length > 0) counts.push(`${sum(differs)} ${sum(differs) === 1 ? 'differs' : 'differ'}`);
  if (unverifiable.length > 0) counts.push(`${sum(unverifiable)} unverifiable`);
  const of = instances === unfinished ? '' : ` of ${unfinished} unfinished`;
  const lines = [`${instances} instance${instances === 1 ? '' : 's'}${of}: ${counts.join(', ')}`];
  for (const { verdict, count } of [...differs, ...unverifiable]) {
    const { saga, instance } = verdict;
    const others = count === 1 ? '' : ` and ${count - 1} more`;
    if (verdict.verdict === 'unverifiable') {
      lines.push(`${saga} ${instance}${others}: unverifiable: ${verdict.why}`);
      continue;
    }
    const { version, step, event, history, code, mend } = verdict;
    const at = step === undefined ? '' : ` at step ${step}`;
    lines.push(
      `${saga} ${instance}${others} (version ${version}): differs${at}, event ${event} of its history`,
      `  history: ${history}`,
      `  code:    ${code}`,
      `  mend:    ${mend}`,
    );
  }
  return lines;
}
