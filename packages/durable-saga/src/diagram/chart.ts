import type { OperationKind } from '../definition/operation';
import type { Saga } from '../definition/saga';
import type { SagaPath } from './path';
import type { Trace } from './trace';
import { tracePath, walk } from './trace';
import type { Passage, Place, Strand } from './watch-body';

/*
 * Merges what a saga did along several paths into one chart.
 *
 * Every path is played as it is scripted, and then again for each of its steps with that step failing for good. So the
 * ways back (which undo comes first, what a body catches and goes on after, what parks) are not drawn from what ought to
 * happen, but from what the saga and its runner do. What several traces have in common is told by the place in the code
 * and drawn once; nodes and edges stand in the order in which the paths, in theirs, come to them first.
 */

export type NodeKind = 'start' | 'undo' | 'completed' | 'compensated' | 'compensationFailed' | 'parked' | OperationKind;

export interface ChartNode {
  /** Letters, digits and underscores; made of the name, so that it stays when other steps are added. */
  readonly id: string;
  readonly kind: NodeKind;
  readonly name: string;
  /** Milliseconds of a wait; several where paths differ. */
  readonly durations: number[];
  /** How many members of a group may run at a time. */
  readonly concurrency: number | undefined;
  readonly hasUndo: boolean;
  readonly isAfterPivot: boolean;
  /** Id of the group that it stands in. */
  readonly group: string | undefined;
  /** It stands for several of its kind: members of a group, or the undos of a loop. */
  isMany: boolean;
}

export interface ChartEdge {
  readonly from: string;
  readonly to: string;
  readonly label: string;
  /** `way` what the body does next, `failure` what a failure leads to, `undo` from one undo to the next. */
  readonly style: 'way' | 'failure' | 'undo';
}

export interface Chart {
  readonly nodes: readonly ChartNode[];
  readonly edges: readonly ChartEdge[];
}

export interface ChartOptions {
  /**
   * Why a way is taken, where a place has several ways on: by the name of the step, the event or the failure that the
   * way leads to.
   */
  readonly notes?: Readonly<Record<string, string>>;
}

/** The chart of a saga along its paths. */
export function chartOf<Input>(
  saga: Saga<Input, unknown>,
  paths: readonly SagaPath<NoInfer<Input>>[],
  { notes = {} }: ChartOptions = {},
): Chart {
  const chart = new ChartBuilder(saga.name);
  const traces = paths.map((path) => {
    const trace = tracePath(saga, path);
    if (trace.ended !== path.ends) {
      const { outcome } = trace;
      const why = outcome === undefined || outcome.outcome === 'completed' ? '' : `: ${outcome.failure.message}`;
      throw new Error(
        `saga '${saga.name}', path '${path.title}': expected it to end ${path.ends}, it is ${trace.ended}${why}`,
      );
    }
    return trace;
  });
  for (const trace of traces) chart.add(trace);
  for (const [index, path] of paths.entries()) {
    for (const variant of failVariants(saga, path, traces[index])) chart.add(variant);
  }
  return chart.finish(notes);
}

/** The path again for each of its steps, with that step failing for good: as maybe ran, a pivot also as refused. */
function* failVariants(
  saga: Saga<never, unknown>,
  path: SagaPath<unknown>,
  trace: Trace | undefined,
): Generator<Trace> {
  if (trace === undefined) return;
  for (const { key, place } of walk(trace.body)) {
    if (key === undefined) continue;
    for (const effect of place.kind === 'pivot' ? (['unknown', 'none'] as const) : (['unknown'] as const)) {
      const failure = { kind: 'error', code: ANY[effect], message: 'a step fails', retriable: false, effect } as const;
      yield tracePath(saga, path, {
        answer: (call) => (call.key === key && call.activity === place.name ? { ok: false, failure } : undefined),
      });
    }
  }
}

/** What is written at the edges of failures that no path has a code for. */
const ANY = { none: 'refused', unknown: 'fails' } as const;

/** Where a way comes from, until it is known where it leads to. */
interface Exit {
  readonly from: string;
  readonly label: string;
  readonly style: ChartEdge['style'];
}

const ENDS = ['start', 'completed', 'compensated', 'compensationFailed', 'parked'] as const;

class ChartBuilder {
  readonly #nodes = new Map<string, ChartNode>();
  readonly #edges = new Map<string, ChartEdge>();
  /** By the place in the code. */
  readonly #ids = new Map<string, string>();
  readonly #saga: string;
  #isAfterPivot = false;

  constructor(saga: string) {
    this.#saga = saga;
  }

  add(trace: Trace): void {
    this.#isAfterPivot = false;
    const start = this.#endNode('start', this.#saga);
    const exits = this.#addStrand(trace, trace.body, [{ from: start, label: '', style: 'way' }], undefined);
    for (const { activity, of } of trace.undosOnTheWay) this.#addUndoOnTheWay(activity, of);
    if (trace.ended !== 'parked') {
      this.#join(this.#addUndos(trace, exits), this.#endNode(trace.ended));
    } else if (trace.parkedAt !== undefined) {
      const parked = this.#endNode('parked');
      this.#join(exits, parked);
      this.#join([{ from: parked, label: 'given up', style: 'failure' }], this.#endNode('compensationFailed'));
    }
  }

  finish(notes: Readonly<Record<string, string>>): Chart {
    const edges = [...this.#edges.values()];
    const waysFrom = (id: string): number => edges.filter(({ from, style }) => from === id && style === 'way').length;
    const noted = edges.map((edge) => {
      const note = notes[this.#nodes.get(edge.to)?.name ?? ''];
      return edge.style === 'way' && note !== undefined && waysFrom(edge.from) > 1 ? { ...edge, label: note } : edge;
    });
    return { nodes: [...this.#nodes.values()], edges: noted };
  }

  #addStrand(trace: Trace, strand: Strand, entries: readonly Exit[], group: string | undefined): readonly Exit[] {
    let exits = entries;
    for (const passage of strand.passages) exits = this.#addPassage(trace, passage, exits, group);
    return exits;
  }

  #addPassage(trace: Trace, passage: Passage, entries: readonly Exit[], group: string | undefined): readonly Exit[] {
    const { place, members, passed } = passage;
    const id = this.#placeNode(place, group);
    this.#join(entries, id);
    for (const member of members) this.#addStrand(trace, member, [], id);
    this.#markMany(members);
    if (place.kind === 'pivot' && passed.kind === 'done') this.#isAfterPivot = true;
    switch (passed.kind) {
      case 'done':
        return [{ from: id, label: labelOf(place, passed.value), style: 'way' }];
      case 'failed':
        return [
          { from: this.#whereOf(passage, passed.failure.step) ?? id, label: passed.failure.code, style: 'failure' },
        ];
      case 'left':
        if (place.kind === 'continueAs') return [{ from: id, label: '', style: 'way' }];
        return [
          {
            from: this.#whereOf(passage, trace.parkedAt) ?? id,
            label: place.kind === 'pivot' ? 'unknown' : '',
            style: 'failure',
          },
        ];
    }
  }

  /** The node of the member with this key. */
  #whereOf(group: Passage, key: string | undefined): string | undefined {
    for (const member of group.members) {
      for (const passage of walk(member)) {
        if (passage.key === key && key !== undefined) return this.#ids.get(passage.place.site);
      }
    }
    return undefined;
  }

  #addUndos(trace: Trace, entries: readonly Exit[]): readonly Exit[] {
    let exits = entries;
    for (const layer of trace.undos) {
      const next = new Map<string, Exit>();
      for (const { activity, of } of layer) {
        const id = this.#undoNode(activity, of);
        if (next.has(id)) this.#setMany(id);
        next.set(id, { from: id, label: '', style: 'undo' });
      }
      for (const id of next.keys()) this.#join(exits, id);
      exits = [...next.values()];
    }
    return exits;
  }

  #addUndoOnTheWay(activity: string, of: Place | undefined): void {
    const from = of === undefined ? undefined : this.#ids.get(of.site);
    if (of === undefined || from === undefined) return;
    const group = this.#nodes.get(from)?.group;
    const undo = this.#node(`undo on the way ${of.site}`, { ...BARE, kind: 'undo', name: activity, group });
    this.#join([{ from, label: 'given back', style: 'undo' }], undo);
  }

  #join(exits: readonly Exit[], to: string): void {
    for (const { from, label, style } of exits) {
      if (style === 'undo' && from === to) {
        this.#setMany(to);
        continue;
      }
      const key = JSON.stringify([from, to, style]);
      const before = this.#edges.get(key);
      if (before === undefined) this.#edges.set(key, { from, to, label, style });
      else if (!before.label.split(', ').includes(label) && label !== '' && label !== ANY.none) {
        const labels = before.label === '' ? label : `${before.label}, ${label}`;
        this.#edges.set(key, { ...before, label: labels });
      }
    }
  }

  #markMany(members: readonly Strand[]): void {
    const seen = new Set<string>();
    for (const { passages } of members) {
      for (const site of new Set(passages.map(({ place }) => place.site))) {
        if (seen.has(site)) this.#setMany(this.#ids.get(site) ?? '');
        seen.add(site);
      }
    }
  }

  #setMany(id: string): void {
    const node = this.#nodes.get(id);
    if (node !== undefined) node.isMany = true;
  }

  #placeNode(place: Place, group: string | undefined): string {
    const { kind, name, duration, concurrency, undoName } = place;
    const id = this.#node(place.site, {
      kind,
      name,
      durations: [],
      concurrency: concurrency === Infinity ? undefined : concurrency,
      hasUndo: undoName !== undefined,
      isAfterPivot: this.#isAfterPivot,
      group,
    });
    const durations = this.#nodes.get(id)?.durations;
    if (duration !== undefined && durations?.includes(duration) === false) durations.push(duration);
    return id;
  }

  #undoNode(activity: string, of: Place | undefined): string {
    return this.#node(`undo ${of === undefined ? activity : of.site}`, { ...BARE, kind: 'undo', name: activity });
  }

  #endNode(kind: (typeof ENDS)[number], name: string = kind): string {
    return this.#node(kind, { ...BARE, kind, name }, kind);
  }

  /** The node of this identity; the first that says what it is decides. */
  #node(identity: string, node: Omit<ChartNode, 'id' | 'isMany'>, wanted = idFrom(node)): string {
    const known = this.#ids.get(identity);
    if (known !== undefined) return known;
    let id = wanted;
    for (let n = 2; this.#nodes.has(id) || (ENDS.includes(id as never) && identity !== id); n += 1)
      id = `${wanted}_${n}`;
    this.#ids.set(identity, id);
    this.#nodes.set(id, { ...node, id, isMany: false });
    return id;
  }
}

const BARE = { durations: [], concurrency: undefined, hasUndo: false, isAfterPivot: false, group: undefined };

function idFrom({ kind, name }: Pick<ChartNode, 'kind' | 'name'>): string {
  const words = kind === 'step' || kind === 'call' || kind === 'pivot' || kind === 'undo' ? name : `${kind}_${name}`;
  return words.replace(/[^A-Za-z0-9]+/g, '_').replace(/_$/, '');
}

function labelOf({ kind, duration }: Place, value: unknown): string {
  if (kind === 'race') return (value as { readonly winner: string }).winner;
  if (kind !== 'waitFor') return '';
  return value === undefined && duration !== undefined ? 'not in time' : 'comes';
}
