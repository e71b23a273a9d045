import { existsSync } from 'node:fs';
import path from 'node:path';
import { runContender, type Contender } from '../contender';
import { readDatabase } from '../disk';
import { findPort, startProgram, type Program } from '../program';

/** DBOS in the load generator's process, as its users run it, on a PostgreSQL like the host's. */
export function dbos(root: string): Contender {
  const dir = path.join(root, 'bench/peers/dbos');
  return {
    name: 'dbos',
    about: 'SDK 5.3.0, the same embedded PostgreSQL with the same settings (fsync on), log warn',
    async start(folder) {
      if (!existsSync(path.join(dir, 'node_modules'))) throw new Error(`DBOS is not installed: run npm ci in ${dir}.`);
      const port = await findPort();
      const url = `postgres://bench:bench@127.0.0.1:${port}/dbos`;
      const host = path.join(root, 'packages/functions-host/bin/functions-host.js');
      const args = ['services', '--app', path.join(dir, 'services'), '--data', path.join(folder, 'data')];
      const startServers = async (): Promise<Program[]> => {
        const services = startProgram(process.execPath, [host, ...args], {
          name: 'postgres',
          folder,
          environment: { BENCH_DATABASE_URL: url },
        });
        await services.waitFor(/^ready \(/m);
        return [services];
      };
      return runContender({
        startServers,
        driver: { folder, args: [path.join(dir, 'driver.mjs')], environment: { BENCH_DATABASE_URL: url } },
        isDriverEngine: true,
        disk: () => readDatabase(url),
      });
    },
  };
}
