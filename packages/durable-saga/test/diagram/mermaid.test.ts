import { toMermaid } from '../../src/diagram';
import type { Chart, ChartNode } from '../../src/diagram';
import { inWords } from '../../src/diagram/words';

function node(over: Partial<ChartNode>): ChartNode {
  return {
    id: 'a',
    kind: 'call',
    name: 'a',
    durations: [],
    concurrency: undefined,
    hasUndo: false,
    isAfterPivot: false,
    group: undefined,
    isMany: false,
    ...over,
  };
}

/** What a line of a flowchart may be, more strictly than Mermaid reads it: ids of words, all text in quotes. */
const LINES = [
  /^flowchart TB$/,
  /^\s*subgraph \w+\["[^"<>]*"\]$/,
  /^\s*end$/,
  /^\s*\w+(\(\[|\[\[|\{\{|\[\/|\[|\(|>)"([^"<>]|<br\/>)+"(\]\)|\]\]|\}\}|\/\]|\\\]|\]|\)):::\w+$/,
  /^\s*\w+ (-->|-\.->)(\|"[^"<>]+"\|)? \w+$/,
  /^\s*classDef \w+ [\w#:,\- ]+$/,
];

function checkGrammar(drawn: string): void {
  for (const line of drawn.trimEnd().split('\n')) {
    if (!LINES.some((form) => form.test(line))) throw new Error(`no line of a flowchart: ${line}`);
  }
}

describe('a Mermaid flowchart', () => {
  it('keeps the grammar, whatever names and labels say', () => {
    const chart: Chart = {
      nodes: [
        node({ id: 'end', name: 'end "of" it; <b>all</b> #1 | 2\nlines' }),
        node({ id: 'orders', kind: 'pivot', name: 'x`y`\\z' }),
        node({ id: 'b', kind: 'waitFor', name: 'b', durations: [1_000, 60_000] }),
        node({ id: 'c', kind: 'child' }),
        node({ id: 'd', kind: 'fail' }),
        node({ id: 'p', kind: 'parked' }),
        node({ id: 'g', kind: 'all', concurrency: 3 }),
        node({ id: 'g1', group: 'g' }),
        node({ id: 'g2', group: 'g' }),
      ],
      edges: [{ from: 'end', to: 'orders', label: 'a "b" | --> c', style: 'way' }],
    };
    const drawn = toMermaid(chart);
    checkGrammar(drawn);
    expect(drawn).toContain('n_end["end #34;of#34; it; #60;b#62;all#60;/b#62; #35;1 | 2 lines"]');
    expect(drawn).toContain('n_end -->|"a #34;b#34; | --#62; c"| n_orders');
    expect(drawn).toContain('wait for b<br/>at most 1 second or 1 minute');
  });
});

describe('a length of time', () => {
  it.each([
    [0, '0 ms'],
    [1, '1 ms'],
    [1_500, '1 second 500 ms'],
    [43_200_000, '12 hours'],
    [129_600_000, '1 day 12 hours'],
    [1_209_600_000, '14 days'],
    [90_061_001, '1 day 1 hour'],
  ])('%d is %s', (milliseconds, words) => {
    expect(inWords(milliseconds)).toBe(words);
  });
});
