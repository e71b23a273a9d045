import type { DriverMessage } from './load';
import { startProgram, type Program, type ProgramOptions } from './program';
import { killTrees, readCpuByUse, readMemory, type CpuTime } from './processes';
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
  /** When the command that started it was given, on the clock of `performance.now()`. */
  readonly startedAt: number;
  /** What its database keeps; undefined where that can't be asked. */
  disk(): Promise<Disk | undefined>;
  stop(): Promise<void>;
  /** Ends all its processes with SIGKILL. */
  kill(): Promise<void>;
}

/** Bytes. */
export interface Disk {
  /** Tables with their indices. */
  readonly data: number;
  /** Written to the database's log so far. */
  readonly log: number;
}

export interface MeasuredRound extends RoundResult {
  readonly cpu: CpuTime;
}

export interface ContenderParts {
  /** Starts the servers; they are ended in reverse order. */
  readonly startServers: () => Promise<readonly Program[]>;
  readonly driver: { readonly args: readonly string[] } & Omit<ProgramOptions, 'ipc' | 'name'>;
  /** The engine runs in the driver's process, which then needs the servers. */
  readonly isDriverEngine?: boolean;
  readonly disk?: () => Promise<Disk>;
}

/** A contender made of servers and a driver. */
export async function runContender(parts: ContenderParts): Promise<RunningContender> {
  const { driver, disk } = parts;
  const startDriver = async (): Promise<Program> => {
    const started = startProgram(process.execPath, driver.args, { ...driver, name: 'driver', ipc: true });
    await nextMessage(started);
    return started;
  };
  // A driver that is no part of the engine is there before the command is given.
  const early = parts.isDriverEngine === true ? undefined : await startDriver();
  const startedAt = performance.now();
  const servers = await parts.startServers();
  const program = early ?? (await startDriver());
  const all = [...servers, program];
  const roots = all.map(({ pid }) => pid);
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
    startedAt,
    disk: async () => disk?.(),
    async stop() {
      for (const each of all.reverse()) await each.stop();
    },
    async kill() {
      killTrees(roots);
      await Promise.all(all.map((each) => each.stop()));
    },
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
