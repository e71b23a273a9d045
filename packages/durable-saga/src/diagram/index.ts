// What a saga does along scripted paths, and a chart of it. Nothing here runs an activity or needs a host.
export type { PathEvent, SagaPath } from './path';
export { tracePath } from './trace';
export type { Trace, TraceOptions } from './trace';
export { chartOf } from './chart';
export type { Chart, ChartEdge, ChartNode, ChartOptions } from './chart';
export { toMermaid } from './mermaid';
