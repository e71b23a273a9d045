import type { Chart, ChartEdge, ChartNode, NodeKind } from './chart';
import { inWords } from './words';

/** The chart as a Mermaid flowchart, without the code fence around it. */
export function toMermaid(chart: Chart): string {
  const { nodes, edges } = flattenSingles(chart);
  const groups = new Set(nodes.map(({ group }) => group));
  const lines = ['flowchart TB'];
  const draw = (group: string | undefined, indent: string, isOfMany: boolean): void => {
    for (const node of nodes) {
      if (node.group !== group) continue;
      const members = nodes.filter((member) => member.group === node.id);
      if (members.length === 0) {
        lines.push(`${indent}${drawNode(isOfMany ? { ...node, isMany: false } : node)}`);
        continue;
      }
      const isMany = members.every((member) => member.isMany);
      lines.push(`${indent}subgraph ${nodeId(node.id)}["${escapeText(textOf({ ...node, isMany }).join(', '))}"]`);
      draw(node.id, `${indent}  `, isMany);
      lines.push(`${indent}end`);
    }
  };
  draw(undefined, '  ', false);
  for (const edge of edges) lines.push(`  ${drawEdge(edge)}`);
  for (const [name, style] of Object.entries(STYLES)) {
    if (nodes.some((node) => !groups.has(node.id) && styleOf(node) === name)) lines.push(`  classDef ${name} ${style}`);
  }
  return `${lines.join('\n')}\n`;
}

/** A group of one kind of member is drawn as that member. */
function flattenSingles({ nodes, edges }: Chart): Chart {
  const single = new Map<string, ChartNode>();
  for (const group of nodes) {
    const members = nodes.filter((node) => node.group === group.id);
    const [only] = members;
    if (members.length === 1 && only !== undefined && group.kind !== 'race') single.set(group.id, only);
  }
  const rename = (id: string): string => {
    const member = single.get(id);
    return member === undefined ? id : rename(member.id);
  };
  const flattened = nodes
    .filter(({ id }) => !single.has(id))
    .map((node) => {
      const group = nodes.find(({ id }) => id === node.group);
      if (group === undefined || !single.has(group.id)) return node;
      return { ...node, group: group.group, concurrency: group.concurrency ?? node.concurrency };
    });
  return {
    nodes: flattened,
    edges: edges.map((edge) => ({ ...edge, from: rename(edge.from), to: rename(edge.to) })),
  };
}

const SHAPES: Readonly<Partial<Record<NodeKind, readonly [string, string]>>> = {
  start: ['([', '])'],
  completed: ['([', '])'],
  compensated: ['([', '])'],
  compensationFailed: ['([', '])'],
  parked: ['[/', '\\]'],
  pivot: ['{{', '}}'],
  undo: ['(', ')'],
  waitFor: ['[/', '/]'],
  sleep: ['[/', '/]'],
  child: ['[[', ']]'],
  fail: ['>', ']'],
};

type Style = 'start' | 'undoable' | 'plain' | 'pivot' | 'forward' | 'wait' | 'undo' | 'good' | 'back' | 'bad';

const STYLES: Readonly<Record<Style, string>> = {
  start: 'fill:#ffffff,stroke:#57606a,color:#24292f',
  undoable: 'fill:#ddf4ff,stroke:#0969da,color:#0a3069',
  plain: 'fill:#f6f8fa,stroke:#57606a,color:#24292f',
  pivot: 'fill:#fff1c2,stroke:#9a6700,stroke-width:3px,color:#4d2d00',
  forward: 'fill:#dafbe1,stroke:#1a7f37,color:#0f3d1d',
  wait: 'fill:#fbefff,stroke:#8250df,color:#3e1f79',
  undo: 'fill:#fff8f0,stroke:#bc4c00,stroke-dasharray:4 3,color:#5c2200',
  good: 'fill:#1a7f37,stroke:#0f3d1d,color:#ffffff',
  back: 'fill:#bc4c00,stroke:#5c2200,color:#ffffff',
  bad: 'fill:#cf222e,stroke:#82071e,color:#ffffff',
};

function styleOf({ kind, hasUndo, isAfterPivot }: ChartNode): Style {
  switch (kind) {
    case 'start':
    case 'undo':
    case 'pivot':
      return kind;
    case 'completed':
      return 'good';
    case 'compensated':
      return 'back';
    case 'compensationFailed':
    case 'parked':
      return 'bad';
    case 'waitFor':
    case 'sleep':
      return 'wait';
    default:
      if (isAfterPivot) return 'forward';
      return hasUndo ? 'undoable' : 'plain';
  }
}

function textOf(node: ChartNode): string[] {
  const { kind, name, durations, concurrency, isMany } = node;
  const times = durations.map(inWords).join(' or ');
  const most = times === '' ? [] : [`at most ${times}`];
  switch (kind) {
    case 'waitFor':
      return [`wait for ${name}`, ...most];
    case 'sleep':
      return [`sleep ${times}`];
    case 'pivot':
      return [name, 'no way back from here'];
    case 'undo':
      return [isMany ? `${name}, each` : name];
    case 'parked':
      return ['parked', 'an operator decides'];
    case 'fail':
      return [name];
    case 'all':
    case 'allSettled':
    case 'map':
      return [isMany ? 'for each' : 'side by side', ...limitOf(concurrency)];
    case 'continueAs':
      return ['goes on', 'with a new history'];
    case 'race':
      return ['race: the first one wins'];
    default:
      return [name, ...(isMany ? [['for each', ...limitOf(concurrency)].join(', ')] : [])];
  }
}

function limitOf(concurrency: number | undefined): string[] {
  return concurrency === undefined ? [] : [`${concurrency} at a time`];
}

function drawNode(node: ChartNode): string {
  const [open, close] = SHAPES[node.kind] ?? ['[', ']'];
  const text = textOf(node).map(escapeText).join('<br/>');
  return `${nodeId(node.id)}${open}"${text}"${close}:::${styleOf(node)}`;
}

function drawEdge({ from, to, label, style }: ChartEdge): string {
  const arrow = style === 'way' ? '-->' : '-.->';
  const text = label === '' ? '' : `|"${escapeText(label)}"|`;
  return `${nodeId(from)} ${arrow}${text} ${nodeId(to)}`;
}

/** Words of Mermaid's grammar that can't stand for a node, whatever their case. */
const RESERVED =
  /^(graph|flowchart|subgraph|end|class|classdef|click|style|linkstyle|default|direction|href|call|interpolate)$/i;

/** Ids keep clear of words of the grammar, and of the edge heads `o` and `x`. */
function nodeId(id: string): string {
  return RESERVED.test(id) || /^[ox]/.test(id) ? `n_${id}` : id;
}

/** Text within quotes: what Mermaid or HTML would read is written as entity codes. */
function escapeText(text: string): string {
  return text.replace(/[#"<>&`\\]/g, (sign) => `#${sign.charCodeAt(0)};`).replace(/\s+/g, ' ');
}
