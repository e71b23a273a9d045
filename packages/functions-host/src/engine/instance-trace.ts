/**
 * The spans of an orchestration. Its row has one place in a trace: that of the span which created it. All other spans of
 * it are named by what they are, so that a host that takes over after a crash names them alike, and nothing is stored for
 * them. They are those of the Durable Task Framework: one of the orchestration from its start to its end, over every
 * continue-as-new, and below it one for each task from when it is asked for to when its result is taken.
 */
import { deriveSpanId, withSpan, type Trace } from '../tracing/trace-context';

/** What the spans of an instance are named by. */
interface Traced {
  readonly no: number;
  readonly executionId: string;
  /** Changes with each rewind: what runs again is not what failed. */
  readonly rewoundIn: number | undefined;
  readonly trace: Trace | undefined;
}

/** The orchestration's own span. */
export function orchestrationTrace({ no, rewoundIn, trace }: Omit<Traced, 'executionId'>): Trace | undefined {
  if (trace === undefined) return undefined;
  return withSpan(trace, deriveSpanId(`${trace} ${no} orchestration ${rewoundIn ?? ''}`));
}

/** The span of a task: what the activity, sub-orchestration or entity operation gets as its parent. */
export function taskTrace({ no, executionId, rewoundIn, trace }: Traced, taskId: number): Trace | undefined {
  if (trace === undefined) return undefined;
  return withSpan(trace, deriveSpanId(`${trace} ${no} ${executionId} ${taskId} ${rewoundIn ?? ''}`));
}
