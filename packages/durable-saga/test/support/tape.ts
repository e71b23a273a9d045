import { z } from 'zod';
import { activity, sagaClients } from '../../src';
import type { ActivityOptions, Activity, EventSchemas, InstanceStatus, Saga, StepContext } from '../../src';
import { createSagaHost } from '../../src/testing';
import type { SagaHostOptions } from '../../src/testing';

/** Notes every call of its activities, and plays what the test scripted for it. */
export class Tape {
  /** e.g. `book`, `book_undo`; one entry an attempt, in order. */
  readonly calls: string[] = [];
  /** What undos were given, by the name of the step. */
  readonly undone: {
    readonly name: string;
    readonly key: string;
    readonly input: unknown;
    readonly output: unknown;
  }[] = [];
  readonly #scripts = new Map<string, (attempt: number) => void>();

  /** `play` throws what the attempt (1, 2, ...) shall fail with. */
  script(name: string, play: (attempt: number) => void): void {
    this.#scripts.set(name, play);
  }

  play(name: string, { attempt }: Pick<StepContext, 'attempt'>): void {
    this.calls.push(name);
    this.#scripts.get(name)?.(attempt);
  }
}

export interface TapePorts {
  readonly tape: Tape;
}

const inputSchema = z.object({ n: z.number() });

type TapedOptions = Pick<
  ActivityOptions<typeof inputSchema, z.ZodString, TapePorts, TapePorts, false>,
  'retry' | 'undoRetry' | 'timeout' | 'settleWithin'
>;

/** An activity that gives `<name> <n>`, with an undo. */
export function taped(name: string, options: TapedOptions = {}) {
  return activity({
    name,
    input: inputSchema,
    output: z.string(),
    retry: { attempts: 3, first: '1 second', factor: 2 },
    ...options,
    run:
      ({ tape }: TapePorts) =>
      async ({ n }, step) => {
        tape.play(name, step);
        return `${name} ${n}`;
      },
    undo:
      ({ tape }: TapePorts) =>
      async ({ input, output }, step) => {
        tape.undone.push({ name, key: step.key, input, output });
        tape.play(`${name}_undo`, step);
      },
  });
}

/** An activity without an undo. */
export function tapedOneWay(name: string, options: Omit<TapedOptions, 'undoRetry' | 'settleWithin'> = {}) {
  return activity({
    name,
    input: inputSchema,
    output: z.string(),
    retry: { attempts: 3, first: '1 second', factor: 2 },
    ...options,
    run:
      ({ tape }: TapePorts) =>
      async ({ n }, step) => {
        tape.play(name, step);
        return `${name} ${n}`;
      },
  });
}

/** A host with one saga and its activities, and the saga's client. */
export function stage<Input, Result, Events extends EventSchemas>(
  definition: Saga<Input, Result, Events>,
  activities: readonly Activity<never, unknown, TapePorts>[],
  {
    others = [],
    ...options
  }: Pick<SagaHostOptions<TapePorts>, 'mode' | 'treat' | 'startAt'> & {
    /** Further sagas, children of the one or of each other. */
    readonly others?: readonly Saga<never, unknown>[];
  } = {},
) {
  const tape = new Tape();
  const host = createSagaHost({ ports: { tape }, sagas: [definition, ...others], activities, ...options }).durable;
  const client = sagaClients({ definition })(host).definition;
  return { tape, host, client };
}

/** The status of an instance that must be there. */
export async function statusOf(
  client: { get(id: string): { status(): Promise<InstanceStatus<unknown> | undefined> } },
  id: string,
): Promise<InstanceStatus<unknown>> {
  const status = await client.get(id).status();
  if (status === undefined) throw new Error(`no instance '${id}'`);
  return status;
}

/** Fails the first `until` attempts with an error of unknown effect. */
export function failing(until: number, error: () => Error = () => new Error('unreachable')) {
  return (attempt: number): void => {
    if (attempt <= until) throw error();
  };
}
