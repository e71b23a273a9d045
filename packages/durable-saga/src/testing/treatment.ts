/** What the platform does to one attempt. The default: it runs at once, and its reply arrives. */
export interface Treatment {
  /** Milliseconds until it runs and answers. */
  readonly delay?: number;
  /** Milliseconds from its run to the arrival of its answer. */
  readonly answersAfter?: number;
  /** The platform fails it, before or after it ran. */
  readonly hostFails?: 'before' | 'after';
  /** How the host words that; default: `Reason` and `Details`. */
  readonly as?: 'reason' | 'failureDetails';
  /** It is delivered once more: after the first time, at the same time, or an hour later. The first answer counts. */
  readonly twice?: 'after' | 'together' | 'later';
}

/** One attempt of a step or an undo, as the host was asked for it. */
export interface Attempt {
  readonly instanceId: string;
  /** Of the durable activity. */
  readonly name: string;
  readonly key: string;
  readonly attempt: number;
  readonly input: unknown;
  /** Milliseconds that it may take. */
  readonly timeout: number | undefined;
  /** When it was scheduled. */
  readonly at: number;
}
