import { readFileSync } from 'node:fs';
import path from 'node:path';
import { transformSync } from 'esbuild';
import type { Exploration, Run } from '../../src/testing';
import { ExplorationFailure, exploreSaga, runSchedule } from '../../src/testing';
import { careful, careless } from '../fixtures/explored-trips';

/** What must not depend on the machine. */
function timeless({ elapsed: _, summary, ...rest }: Exploration): object {
  return { ...rest, summary: summary.replace(/[\d.]+ s$/, '') };
}

async function failureOf(exploration: Promise<unknown>): Promise<ExplorationFailure> {
  const failure: unknown = await exploration.catch((error: unknown) => error);
  if (failure instanceof ExplorationFailure) return failure;
  throw new Error(`expected an ExplorationFailure, got ${String(failure)}`);
}

describe('exploring a saga that keeps what it promises', () => {
  let exploration: Exploration;
  beforeAll(async () => {
    exploration = await exploreSaga(careful.saga, careful.setup);
  });

  it('tries every single fault and pairs up to the budget, and says so in a line', () => {
    const { schedules, singles, pairs, pairsLeftOut, summary, violations } = exploration;
    expect({ pairs, violations }).toEqual({ pairs: 60, violations: 0 });
    expect(schedules).toBe(1 + singles + pairs);
    expect(singles).toBeGreaterThan(80);
    expect(pairsLeftOut).toBeGreaterThan(1_000);
    expect(summary).toMatch(new RegExp(`^trip: ${schedules} schedules, 0 violations, \\d+\\.\\d s$`));
  });

  it('counts by kind what was tried and what struck', () => {
    const kinds = new Map(exploration.coverage.kinds.map((kind) => [kind.kind, kind]));
    expect([...kinds.keys()]).toEqual(['call', 'platform', 'late', 'twice', 'kill', 'cancel']);
    for (const { tried, struck } of kinds.values()) {
      expect(struck).toBeGreaterThan(0);
      expect(struck).toBeLessThanOrEqual(tried);
    }
  });

  it('names what no run has called', () => {
    expect(exploration.coverage.neverCalled).toEqual(['never']);
  });

  it('is the same again, and another with another seed', async () => {
    expect(timeless(await exploreSaga(careful.saga, careful.setup))).toEqual(timeless(exploration));
    const other = await exploreSaga(careful.saga, { ...careful.setup, seed: 2 });
    expect(other.singles).toBe(exploration.singles);
    expect(timeless(other)).not.toEqual(timeless(exploration));
  });

  it('is the same in workers, however many', async () => {
    for (const workers of [1, 2]) {
      expect(timeless(await exploreSaga(careful.saga, careful.setup, { workers }))).toEqual(timeless(exploration));
    }
  });

  it('leaves out kinds that are not asked for', async () => {
    const { coverage, pairs } = await exploreSaga(careful.saga, {
      ...careful.setup,
      faults: ['kill'],
      budget: { pairs: 0 },
    });
    expect(coverage.kinds.map(({ kind }) => kind)).toEqual(['kill']);
    expect(pairs).toBe(0);
  });
});

describe('exploring a saga that pays twice', () => {
  let failure: ExplorationFailure;
  beforeAll(async () => {
    failure = await failureOf(exploreSaga(careless.saga, careless.setup));
  });

  it('shows the smallest schedule that does it, and what happened', () => {
    const finding = failure.findings.find(({ violation }) => violation.invariant === 'one payment');
    expect(finding?.schedule).toHaveLength(1);
    expect(finding?.schedule[0]).toMatchObject({ step: 'pay#1' });
    expect(finding?.timeline.join('\n')).toContain('pay');
    expect(failure.exploration.violations).toBeGreaterThan(finding!.count - 1);
  });

  it('has all of it in its message, so that a plain test fails well', () => {
    expect(failure.message.split('\n')[0]).toBe(failure.exploration.summary);
    for (const { violation, test } of failure.findings) {
      expect(failure.message).toContain(violation.invariant);
      expect(failure.message).toContain(test);
    }
  });

  it('prints a test that imports the setup and fails for the same reason', async () => {
    const { test, violation, schedule } = failure.findings[0]!;
    expect(test).toContain("import { careless } from './explored-trips';");
    const failed = await runPrinted(test);
    expect(failed.violations.map(({ invariant, step }) => ({ invariant, step }))).toContainEqual({
      invariant: violation.invariant,
      step: violation.step,
    });
    expect(failed.met).toEqual(schedule);
    expect((await runSchedule(careful.saga, careful.setup, schedule)).violations).toEqual([]);
  });

  it('finds the same in workers', async () => {
    const inWorkers = await failureOf(exploreSaga(careless.saga, careless.setup, { workers: 2 }));
    expect(inWorkers.findings).toEqual(failure.findings);
  });
});

describe('exploring in workers', () => {
  const withModule = (module: { file: string; name: string } | undefined) => {
    const { module: _, ...setup } = careful.setup;
    return exploreSaga(careful.saga, module === undefined ? setup : { ...setup, module }, { workers: 1 });
  };
  const { file } = careful.setup.module!;

  it('needs to be told where the setup is', async () => {
    await expect(withModule(undefined)).rejects.toThrow("exploring 'trip' in workers: expected the setup's module");
    await expect(withModule({ file: 'trips.ts', name: 'careful' })).rejects.toThrow('expected an absolute path');
  });

  it('says what is there instead of what it looked for', async () => {
    await expect(withModule({ file, name: 'carefull' })).rejects.toThrow(
      "expected an export 'carefull' with { saga, setup }; there are: careful, careless",
    );
    await expect(withModule({ file: path.join(__dirname, 'nowhere.ts'), name: 'careful' })).rejects.toThrow('nowhere');
  });
});

/** Runs what a printed test runs, and gives the run that it expects to be without violations. */
async function runPrinted(test: string): Promise<Run> {
  const { code } = transformSync(test, { loader: 'ts', format: 'cjs' });
  const runs: Promise<void>[] = [];
  const seen: Run[] = [];
  const load = (name: string): unknown => {
    if (name !== 'durable-saga/testing') return { careless };
    const noted = async (...given: Parameters<typeof runSchedule>): Promise<Run> => {
      const run = await runSchedule(...given);
      seen.push(run);
      return run;
    };
    return { runSchedule: noted };
  };
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- what the explorer prints is code
  const evaluate = new Function('require', 'it', 'expect', code) as (...given: unknown[]) => void;
  evaluate(load, (_title: string, body: () => Promise<void>) => runs.push(body()), expect);
  await expect(Promise.all(runs)).rejects.toThrow('one payment');
  const [run] = seen;
  if (run === undefined) throw new Error('nothing was run');
  return run;
}

it('prints imports that are right beside the setup', () => {
  expect(readFileSync(careless.setup.module!.file, 'utf8')).toContain('export const careless');
});
