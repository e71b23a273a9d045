/** Plain HTTP functions: no durable engine, the host's lines about each call written to a file. */
import { statSync } from 'node:fs';
import path from 'node:path';
import { readCpu, readMemory } from '../processes';
import type { LoadReport } from '../http-load';
import { findPort, startProgram, type Program } from '../program';
import type { Figure, Run, Section } from '../section';

const CONNECTIONS = 50;
const SECONDS = 5;
const RUNS_AT_LEAST = 5;
const bare = 'bare server';

export const httpSection: Section = {
  name: 'http',
  title: `A plain HTTP function, ${CONNECTIONS} connections`,
  async measure(run) {
    const subjects = [{ name: 'functions-host', packageDir: path.join(run.root, 'packages/functions-host') }];
    const { against, repeats } = run.options;
    if (against !== undefined) subjects.push({ name: 'other', packageDir: path.resolve(against) });
    const figures = new Map<string, { figure: Omit<Figure, 'values'>; values: number[] }>();
    const hosts: { readonly name: string; readonly host: Program; readonly url: string }[] = [];
    try {
      for (const { name, packageDir } of subjects) hosts.push({ name, ...(await startHost(run, name, packageDir)) });
      hosts.push({ name: bare, ...(await startBare(run)) });
      // The first goes to warming up.
      for (let count = 0; count <= Math.max(repeats, RUNS_AT_LEAST); count++) {
        for (const { name, host, url } of hosts) {
          const values = await measureOnce(
            run,
            `load-${count}-${name}`,
            host,
            url,
            path.join(run.folder, `${name}.log`),
          );
          run.say(
            `http ${count}, ${name}: ${Object.values(values)
              .map(([value, unit]) => `${value.toFixed(1)} ${unit}`)
              .join(', ')}`,
          );
          if (count === 0) continue;
          for (const [quantity, [value, unit]] of Object.entries(values)) {
            const key = `${name} ${quantity}`;
            const known = figures.get(key) ?? { figure: { quantity, unit, subject: name }, values: [] };
            figures.set(key, known);
            known.values.push(value);
          }
        }
      }
    } finally {
      for (const { host } of hosts) await host.stop();
    }
    return {
      notes: [
        `every call of a function logs its start and its end, to a file; the bare server is Node's own, and logs nothing`,
        `load from the same machine, ${SECONDS} s a run after one to warm up`,
      ],
      figures: [...figures.values()].map(({ figure, values }) => ({ ...figure, values })),
    };
  },
};

async function startHost(
  { root, folder, options }: Run,
  name: string,
  packageDir: string,
): Promise<{ host: Program; url: string }> {
  const port = await findPort();
  const args = ['start', '--app', path.join(root, 'bench/http-app'), '--port', String(port), '--no-watch'];
  args.push('--task-hub', 'memory', '--data', path.join(folder, `${name}-data`));
  const { nodeArguments } = options;
  const host = startProgram(process.execPath, [path.join(packageDir, 'bin/functions-host.js'), ...args], {
    name,
    folder,
    environment: nodeArguments === undefined ? {} : { languageWorkers__node__arguments: nodeArguments },
  });
  await host.waitFor(/ready: /);
  return { host, url: `http://127.0.0.1:${port}/api/hello?name=bench` };
}

/** Node's own server with nothing around it: says what the machine has to give at that moment. */
async function startBare({ root, folder }: Run): Promise<{ host: Program; url: string }> {
  const port = await findPort();
  const host = startProgram(process.execPath, [path.join(root, 'bench/http-app/bare.js'), String(port)], {
    name: bare,
    folder,
  });
  await host.waitFor(/ready: /);
  return { host, url: `http://127.0.0.1:${port}/` };
}

async function measureOnce(
  { folder }: Run,
  name: string,
  host: Program,
  url: string,
  logFile: string,
): Promise<Record<string, readonly [value: number, unit: string]>> {
  const [cpu, logged] = [readCpu([host.pid]), statSync(logFile).size];
  const load = startProgram(
    process.execPath,
    [path.join(__dirname, 'http-load.js'), url, String(CONNECTIONS), String(SECONDS)],
    { name, folder },
  );
  const [json] = await load.waitFor(/^\{.*\}$/m);
  await load.stop();
  const { count, seconds, latencies } = JSON.parse(json) as LoadReport;
  return {
    throughput: [count / seconds, 'requests/s'],
    'latency, median': [latencies.median, 'ms'],
    'latency, p99': [latencies.p99, 'ms'],
    'CPU of the host per 1,000 requests': [((readCpu([host.pid]) - cpu) / count) * 1000, 's'],
    'memory, supervisor and host': [readMemory([host.pid]), 'MiB'],
    'logged per request': [(statSync(logFile).size - logged) / count, 'bytes'],
  };
}
