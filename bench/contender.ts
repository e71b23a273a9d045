import type { DriverMessage } from './load';
import { startProgram, type Program, type ProgramOptions } from './program';
import { readCpuByUse, readMemory, type CpuTime } from './processes';
import type { Round, RoundResult } from './workload';

/** An engine that runs the reference workload. */
export interface Contender {
  readonly name: string;
  /** Version, and the modes that matter for its figures. */
  readonly about: string;
  /** Starts its processes, with data and logs in `folder`. */
  start(folder: string): Promise<RunningContender>;
}

export interface RunningContender {
  /** Runs a round; also tells the CPU time that all its processes took for it, in seconds. */
  perform(round: Round): Promise<MeasuredRound>;
  /** MiB held now by all its processes. */
  memory(): number;
  stop(): Promise<void>;
}

export interface MeasuredRound extends RoundResult {
  readonly cpu: CpuTime;
}

/** A contender made of `servers` (ended in reverse order) and a driver, which is started here. */
export async function runContender(
  servers: readonly Program[],
  driver: { readonly args: readonly string[] } & Omit<ProgramOptions, 'ipc' | 'name'>,
): Promise<RunningContender> {
  const program = startProgram(process.execPath, driver.args, { ...driver, name: 'driver', ipc: true });
  const roots = [...servers, program].map(({ pid }) => pid);
  const stop = async (): Promise<void> => {
    for (const each of [program, ...[...servers].reverse()]) await each.stop();
  };
  try {
    await nextMessage(program);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    async perform(round) {
      const before = readCpuByUse(roots, program.pid);
      program.child.send(round);
      const message = await nextMessage(program);
      if (message.type !== 'result') throw new Error('Expected the result of a round.');
      const { loadGenerator, database, engine } = readCpuByUse(roots, program.pid);
      const cpu = {
        loadGenerator: loadGenerator - before.loadGenerator,
        database: database - before.database,
        engine: engine - before.engine,
      };
      return { ...message.result, cpu };
    },
    memory: () => readMemory(roots),
    stop,
  };
}

/** Far above what any round takes: a round that hangs ends the bench instead of the day. */
const ROUND_WITHIN_MS = 180_000;

function nextMessage(program: Program): Promise<DriverMessage> {
  return new Promise((resolve, reject) => {
    const { child } = program;
    const deadline = setTimeout(() => {
      reject(new Error(`A round did not end within ${ROUND_WITHIN_MS / 1000} s.`));
    }, ROUND_WITHIN_MS);
    const onMessage = (message: DriverMessage): void => {
      clearTimeout(deadline);
      child.off('exit', onExit);
      if (message.type === 'failed') reject(new Error(message.message));
      else resolve(message);
    };
    const onExit = (): void => {
      clearTimeout(deadline);
      child.off('message', onMessage);
      program.waitFor(/(?!)/).catch(reject);
    };
    child.once('message', onMessage);
    child.once('exit', onExit);
  });
}
