import { z } from 'zod';
import type { Stretch } from './billing';

/*
 * What the host's log, the storage emulator's and a saga's history say about what was done.
 */

const lineSchema = z.looseObject({
  time: z.iso.datetime(),
  category: z.string(),
  message: z.string(),
  function: z.string().optional(),
  functions: z.array(z.looseObject({ name: z.string(), trigger: z.string() })).optional(),
});
export type LogLine = z.infer<typeof lineSchema>;

/** The lines that are whole, each an object of its own; what the supervisor or a library prints besides is passed over. */
export function readLog(text: string): LogLine[] {
  return text.split('\n').flatMap((line) => {
    if (!line.startsWith('{')) return [];
    const parsed = lineSchema.safeParse(parseJson(line));
    return parsed.success ? [parsed.data] : [];
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Triggers by function, as the host prints them when it has started. */
export function readTriggers(lines: readonly LogLine[]): ReadonlyMap<string, string> {
  const functions = lines.find((line) => line.functions !== undefined)?.functions ?? [];
  return new Map(functions.map(({ name, trigger }) => [name, trigger]));
}

export interface Execution {
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
}

const EXECUTED = /^Executed 'Functions\.[^']+' \(\w+, Id=[\w-]+, Duration=(\d+)ms\)/;

/** Executions that have ended, timers among them. An orchestrator's turns are none: the host does not log them. */
export function readExecutions(lines: readonly LogLine[]): Execution[] {
  return lines.flatMap(({ time, message, function: name }) => {
    const milliseconds = EXECUTED.exec(message)?.[1];
    if (milliseconds === undefined || name === undefined) return [];
    const to = Date.parse(time);
    return [{ name, from: to - Number(milliseconds), to }];
  });
}

export const countBegun = (lines: readonly LogLine[]): number =>
  lines.filter(({ message }) => message.startsWith("Executing 'Functions.")).length;

/** Flex Consumption scales HTTP functions together, blob functions together and durable ones together, every other one by itself. */
export function groupOf(name: string, trigger: string | undefined): string {
  switch (trigger) {
    case 'httpTrigger':
      return 'http';
    case 'blobTrigger':
      return 'blob';
    case 'activityTrigger':
    case 'orchestrationTrigger':
    case 'entityTrigger':
      return 'durable';
    default:
      return name;
  }
}

/**
 * Executions of one group as stretches since `start`. What lies closer together than `gap` milliseconds is one: between
 * two activities the orchestrator runs, which no line of the log tells.
 */
export function toStretches(executions: readonly Execution[], start: number, gap: number): Stretch[] {
  const stretches: [number, number][] = [];
  for (const { from, to } of executions.toSorted((a, b) => a.from - b.from)) {
    const last = stretches.at(-1);
    // A clock of another process may be a millisecond behind.
    const begin = Math.max(0, from - start);
    const end = Math.max(begin, to - start);
    if (last && begin <= last[1] + gap) last[1] = Math.max(last[1], end);
    else stretches.push([begin, end]);
  }
  return stretches;
}

const historySchema = z.looseObject({ historyEvents: z.array(z.looseObject({ EventType: z.string() })) });
/** Each of these is a message that wakes the orchestrator; `TaskCompleted` stands for its schedule, too, as a history is shown. */
const WAKES = ['ExecutionStarted', 'TaskCompleted', 'TaskFailed', 'TimerFired', 'EventRaised'];
const OF_ACTIVITIES = ['TaskCompleted', 'TaskFailed'];

/**
 * @returns `turns`: executions of the orchestrator, one for each message that wakes it (fewer when several come at once);
 *   `actions`: what Durable Task Scheduler dispatches, those and each activity.
 */
export function readHistory(status: unknown): { readonly turns: number; readonly actions: number } {
  const { historyEvents } = historySchema.parse(status);
  const count = (types: readonly string[]): number =>
    historyEvents.filter(({ EventType }) => types.includes(EventType)).length;
  const turns = count(WAKES);
  return { turns, actions: turns + count(OF_ACTIVITIES) };
}

/**
 * Requests by the storage emulator's access log: reads are what Azure's prices call so, the rest is writes. The host's own
 * container (leases, when timers ran) is no business of an order's: it can be left out.
 */
export function readStorage(log: string, which: 'all' | 'app'): { readonly writes: number; readonly reads: number } {
  const requests = [...log.matchAll(/"(GET|HEAD|PUT|POST|DELETE|MERGE|PATCH) (\/[^"]*)" \d{3}/g)].filter(
    ([, , url = '']) => which === 'all' || !/^\/[^/]+\/azure-webjobs-/.test(url),
  );
  const reads = requests.filter(([, method]) => method === 'GET' || method === 'HEAD').length;
  return { writes: requests.length - reads, reads };
}
