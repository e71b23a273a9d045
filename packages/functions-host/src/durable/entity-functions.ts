import type { EntityCall, EntityFunctions, EntityOutcome, OperationResult } from '../engine/entity-call';
import { toEntityId, toEntityName } from '../engine/entity-id';
import type { HostLog } from '../log';
import { toMessage } from './executor-seam';
import { unknownFunction } from './orchestrators';
import type { DurableFunctions } from './ports';

/** What an entity function of `durable-functions` returns. An operation's result and input are JSON, or empty. */
interface LibraryBatchResult {
  readonly entityExists: boolean;
  readonly entityState?: string;
  readonly results: readonly { readonly isError: boolean; readonly result?: string }[];
  readonly signals: readonly {
    readonly target: { readonly name: string; readonly key: string };
    readonly name: string;
    readonly input?: string;
  }[];
}

const LOG_CATEGORY = 'Host.Triggers.DurableTask';

/** The app's entities for the engine: one invocation takes a batch of operations. */
export function createEntityFunctions(functions: DurableFunctions, log: HostLog): EntityFunctions {
  const refuse = (entityId: string): string | undefined => {
    const { name } = toEntityName(entityId);
    return functions.entity(name) === undefined ? unknownFunction(functions, 'entity', name) : undefined;
  };
  return {
    refuse,
    async run(entityId, call) {
      const entity = functions.entity(toEntityName(entityId).name);
      if (entity === undefined) return { failure: refuse(entityId) ?? `There is no entity '${entityId}'.` };
      try {
        const input = JSON.stringify(toTrigger(entityId, call));
        const { trace, operations } = call;
        const about = { instanceId: entityId, input, trace, operation: operations[0] };
        const returned = await functions.runEntity(entity, about);
        const outcome = toOutcome(entity.name, returned);
        logFailures(log, entityId, call, outcome.results);
        return outcome;
      } catch (error) {
        return { failure: `Entity function '${entity.name}' failed: ${toMessage(error)}` };
      }
    },
  };
}

function toTrigger(entityId: string, { exists, state, operations }: EntityCall): unknown {
  return {
    self: toEntityName(entityId),
    exists,
    ...(state !== undefined && { state }),
    batch: operations.map(({ name, input, isSignal }) => ({ name, ...(input !== undefined && { input }), isSignal })),
  };
}

type Ran = Exclude<EntityOutcome, { failure: string }>;

function toOutcome(name: string, text: string): Ran {
  const { entityExists, entityState, results, signals } = Object(JSON.parse(text)) as Partial<LibraryBatchResult>;
  if (typeof entityExists !== 'boolean' || !Array.isArray(results) || !Array.isArray(signals)) {
    throw new TypeError(
      `expected what 'df.app.entity' makes a handler return, got ${text.slice(0, 100)} of '${name}'.`,
    );
  }
  return {
    exists: entityExists,
    state: entityState,
    results: (results as LibraryBatchResult['results']).map(({ isError, result }) => ({ isError, result })),
    signals: (signals as LibraryBatchResult['signals']).map(({ target, name: operation, input }) => ({
      entityId: toEntityId(target.name, target.key),
      operation,
      ...(input !== undefined && input !== '' && { input }),
    })),
  };
}

/** The library keeps of a thrown error only what JSON has of it, which is nothing of a plain `Error`. */
function logFailures(log: HostLog, entityId: string, call: EntityCall, results: readonly OperationResult[]): void {
  results.forEach(({ isError, result }, i) => {
    if (!isError) return;
    const operation = call.operations[i]?.name ?? '';
    log.log('Error', LOG_CATEGORY, `${entityId}: operation '${operation}' failed: ${result ?? 'undefined'}`, {
      instanceId: entityId,
    });
  });
}
