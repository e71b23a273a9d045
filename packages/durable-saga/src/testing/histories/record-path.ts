import { answerOf } from '../../definition/activity';
import type { Activity, KeyedReply, StepCall } from '../../definition/activity';
import { failureFromThrown, isStepFailure } from '../../definition/failure';
import type { Saga } from '../../definition/saga';
import type { SagaPath } from '../../diagram/path';
import type { ShownInstance } from '../../host/durable-functions';
import { hostFunctionsOf } from '../host-functions';
import { scheduleEvents } from '../schedule-events';
import { SimulatedHost } from '../simulated-host';

/** What is recorded: a saga of the app, one of its scripted ways, and all that it may ask for. */
export interface PathRecording {
  readonly saga: Saga<never, unknown>;
  readonly path: SagaPath<unknown>;
  readonly sagas: readonly Saga<never, unknown>[];
  readonly activities: readonly Activity<never, unknown, never>[];
  /** Default: the saga's name. */
  readonly instanceId?: string;
}

/** Milliseconds that an activity takes, so that turns have times of their own. */
const TAKES = 40;

/**
 * Plays a path without running any activity, and gives the instance at its end as the management API shows it: the same
 * at each recording. Of a saga of several histories it is the last.
 */
export async function recordPath({
  saga,
  path,
  sagas,
  activities,
  instanceId = saga.name,
}: PathRecording): Promise<ShownInstance & { readonly instanceId: string }> {
  const own = hostFunctionsOf({ ports: {} as never, sagas, activities });
  const answered = new Map<string, number>();
  const activity =
    (name: string) =>
    async (input: unknown): Promise<KeyedReply> => {
      const number = answered.get(name) ?? 0;
      answered.set(name, number + 1);
      const answers = path.answers?.[name] ?? [];
      const value = answers[Math.min(number, answers.length - 1)];
      const of = answerOf((input as StepCall).$step);
      return isStepFailure(value) ? { ok: false, failure: failureFromThrown(value), of } : { ok: true, value, of };
    };
  const host = new SimulatedHost({
    functions: { orchestrator: (name) => own.orchestrator(name), activity },
    treat: () => ({ delay: TAKES }),
  });
  await host.startNew(saga.name, { instanceId, input: { $saga: { version: saga.version }, input: path.input } });
  for (const { event, at, payload } of scheduleEvents(saga, path.events ?? [], [])) {
    await host.raiseAt(host.now + at, instanceId, event, payload);
  }
  await host.run();
  const shown = host.describe(instanceId, { history: true });
  if (shown === undefined) throw new Error(`there is no instance '${instanceId}' after the path '${path.title}'`);
  return { ...shown, instanceId };
}
