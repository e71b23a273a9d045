/** What one durable execution of the reference workload is asked to do, and what it must answer. */
export interface Job {
  readonly program: 'orderSaga' | 'sequence' | 'fan';
  readonly input: unknown;
  /** The execution's own result; any other answer fails the run. */
  readonly expected: unknown;
}

export type Part = 'start' | 'end';

export type JobKind = 'saga' | 'compensated' | 'sequence' | 'fan';

/** A number of executions of one kind, so many in flight at a time. */
export interface Round {
  readonly kind: JobKind;
  readonly count: number;
  readonly inFlight: number;
  /** Activities of one execution; for `sequence` and `fan`. */
  readonly steps: number;
  /** Milliseconds that four of a saga's seven activities wait; none without. */
  readonly pauseMs?: number;
  /** Only this part of each execution: its start, accepted; or the wait for the end of what was started. */
  readonly part?: Part;
  /** Begins the ids of the executions; differs from round to round. */
  readonly prefix: string;
}

/** What a driver saw. Times in milliseconds, from sending a start to the answer that its end is stored. */
export interface RoundResult {
  readonly latencies: readonly number[];
  readonly elapsed: number;
}

const lines = [
  { sku: 'chai', quantity: 1 },
  { sku: 'chang', quantity: 2 },
  { sku: 'aniseed', quantity: 3 },
];

export function toJob({ kind, steps, pauseMs }: Round, id: string): Job {
  switch (kind) {
    case 'saga':
    case 'compensated': {
      const isDeclined = kind === 'compensated';
      const input = {
        id,
        customer: 'ALFKI',
        total: 12_345,
        isDeclined,
        lines,
        ...(pauseMs !== undefined && { pauseMs }),
      };
      return { program: 'orderSaga', input, expected: isDeclined ? 'compensated' : 'completed' };
    }
    case 'sequence':
      return { program: 'sequence', input: { steps }, expected: steps };
    case 'fan':
      return { program: 'fan', input: { steps }, expected: steps };
  }
}
