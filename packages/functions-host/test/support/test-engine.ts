import { Engine, type EngineOptions } from '../../src/engine/engine';
import { createVirtualClock, type VirtualClock } from '../../src/clock-virtual';
import { realClock } from '../../src/clock';
import { createActivities } from '../../src/durable/activities';
import { describeChildFailure } from '../../src/durable/failure';
import { createOrchestrators } from '../../src/durable/orchestrators';
import { createEntityFunctions } from '../../src/durable/entity-functions';
import type { HostLog } from '../../src/log';
import { createMemoryStore } from '../../src/store/memory';
import type { InstanceRow, TaskHubStore } from '../../src/store/store';
import { toDurableFunctions, type TestApp } from './durable-app';

export const START = Date.parse('2026-01-01T00:00:00Z');

/** The ways in which turns can be run; all must come to the same. */
export const MODES = ['live', 'verified', 'replayed'] as const;
export type Mode = (typeof MODES)[number];

export interface TestEngine {
  readonly engine: Engine;
  readonly clock: VirtualClock;
  readonly store: TaskHubStore;
  readonly logged: string[];
  /** Starts an instance and runs it as far as it goes without time passing. */
  begin(name: string, input?: unknown, id?: string): Promise<string>;
  raise(id: string, event: string, payload?: unknown): Promise<string>;
  row(id: string): Promise<InstanceRow>;
  output(id: string): Promise<unknown>;
}

export async function startTestEngine(
  app: TestApp,
  options: {
    readonly mode?: Mode;
    readonly store?: TaskHubStore;
    readonly clock?: VirtualClock;
    /** Takes the task hub over without going on with what is unfinished. */
    readonly opensOnly?: boolean;
  } & Partial<EngineOptions> = {},
): Promise<TestEngine> {
  const { mode = 'verified', store = createMemoryStore(), clock: given, opensOnly = false, ...rest } = options;
  const logged: string[] = [];
  const log: HostLog = {
    isEnabled: () => true,
    log: (level, _category, message) => logged.push(`${level} ${message}`),
  };
  const functions = toDurableFunctions(app);
  const clock: VirtualClock = given ?? createVirtualClock(START, () => engine.idle());
  const engine: Engine = new Engine({
    store,
    clock,
    storeClock: realClock,
    log,
    orchestrators: createOrchestrators({
      functions,
      verifyReplay: mode === 'verified' ? 'all' : 'off',
      alwaysReplay: mode === 'replayed',
    }),
    activities: createActivities(functions, { getToken: (resource) => Promise.resolve(`token of ${resource}`) }),
    describeChildFailure,
    entities: createEntityFunctions(functions, log),
    maxConcurrentEntities: 1000,
    maxConcurrentActivities: 1000,
    maxWarmInstances: 1000,
    ...rest,
  });
  await (opensOnly ? engine.open() : engine.start());
  return toTestEngine(engine, clock, store, logged);
}

function toTestEngine(engine: Engine, clock: VirtualClock, store: TaskHubStore, logged: string[]): TestEngine {
  const row = async (id: string): Promise<InstanceRow> => {
    const found = await engine.readInstance(id);
    if (found === undefined) throw new Error(`There is no instance '${id}'.`);
    return found;
  };
  return {
    engine,
    clock,
    store,
    logged,
    row,
    async begin(name, input = null, id = `${name}-1`) {
      const started = await engine.startInstance({ name, id, version: undefined, input: JSON.stringify(input) });
      if (started.kind !== 'started') throw new Error(`Instance '${id}' exists and is ${started.status}.`);
      await engine.idle();
      return id;
    },
    async raise(id, name, payload = null) {
      const sent = await engine.send(id, { kind: 'event', name, input: JSON.stringify(payload), at: clock.now() });
      await engine.idle();
      return sent.kind;
    },
    async output(id) {
      const { output } = await row(id);
      return output === undefined ? undefined : (JSON.parse(output) as unknown);
    },
  };
}
