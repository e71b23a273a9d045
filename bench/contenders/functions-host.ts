import { readFileSync } from 'node:fs';
import path from 'node:path';
import { runContender, type Contender } from '../contender';
import { readDatabase } from '../disk';
import { findPort, startProgram, type Program } from '../program';

export interface FunctionsHostOptions {
  readonly root: string;
  /** How much of the turns is checked against a replay. */
  readonly verifyReplay: 'all' | 'sample' | 'off';
  /** Lowest level of the lines that go to the log file. */
  readonly logLevel: string;
  /** Folder with the package to run; another build of it can be compared. */
  readonly packageDir?: string | undefined;
  readonly name?: string;
  /** Further arguments for Node, e.g. `--cpu-prof`. */
  readonly nodeArguments?: string | undefined;
  /** Folder of the app below `bench/`, and how its executions are called (see `http-driver.ts`). */
  readonly app?: {
    readonly folder: string;
    readonly driver: string;
    readonly settings: Readonly<Record<string, string>>;
  };
}

/** The host of this repository as `functions-host start` runs it: supervisor, embedded PostgreSQL, host. */
export function functionsHost(options: FunctionsHostOptions): Contender {
  const { root, verifyReplay, logLevel, app = { folder: 'app', driver: 'functions-host', settings: {} } } = options;
  const packageDir = options.packageDir ?? path.join(root, 'packages/functions-host');
  return {
    name: options.name ?? 'functions-host',
    about: `verify-replay ${verifyReplay}, log ${logLevel} to a file, embedded PostgreSQL with fsync on`,
    async start(folder) {
      const port = await findPort();
      const args = ['start', '--app', path.join(root, 'bench', app.folder), '--port', String(port)];
      args.push('--data', path.join(folder, 'data'), '--no-watch', '--verify-replay', verifyReplay);
      const startServers = async (): Promise<Program[]> => {
        const host = startProgram(process.execPath, [path.join(packageDir, 'bin/functions-host.js'), ...args], {
          name: 'functions-host',
          folder,
          environment: {
            ...app.settings,
            AzureFunctionsJobHost__logging__logLevel__default: logLevel,
            ...(options.nodeArguments !== undefined && { languageWorkers__node__arguments: options.nodeArguments }),
          },
        });
        await host.waitFor(/ready: /);
        return [host];
      };
      return runContender({
        startServers,
        driver: { folder, args: [path.join(root, 'dist/bench/http-driver.js'), app.driver, String(port)] },
        disk: () => readDatabase(hubUrl(path.join(folder, 'data'))),
      });
    },
  };
}

/** The task hub's database of a data folder in which no setting asked for one. */
function hubUrl(dataDir: string): string {
  const text = readFileSync(path.join(dataDir, 'supervisor/state.json'), 'utf8');
  const { taskHubPort, taskHubPassword } = JSON.parse(text) as { taskHubPort: number; taskHubPassword: string };
  return `postgres://functions_host:${taskHubPassword}@127.0.0.1:${taskHubPort}/functions_host`;
}
