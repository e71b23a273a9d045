import { existsSync } from 'node:fs';
import path from 'node:path';
import { runContender, type Contender } from '../contender';
import { findPort, startProgram, untilListening, type Program } from '../program';

const quiet = {
  RESTATE_DISABLE_TELEMETRY: 'true',
  RESTATE_LOG_FILTER: 'warn',
  NODE_ENV: 'production',
};

/** Restate's server and a service of its SDK, asked through the ingress. */
export function restate(root: string): Contender {
  const dir = path.join(root, 'bench/peers/restate');
  const server = path.join(
    dir,
    `node_modules/@restatedev/restate-server-${process.platform}-${process.arch}/bin/restate-server`,
  );
  // The server remembers where the service is, so a start after another takes the same.
  let ports: readonly [number, number, number, number] | undefined;
  return {
    name: 'restate',
    about: 'server 1.7.12, SDK 1.14.5, default settings (fsync on), log warn',
    async start(folder) {
      if (!existsSync(server)) throw new Error(`Expected Restate's server at ${server}: run npm ci in ${dir}.`);
      ports ??= await Promise.all([findPort(), findPort(), findPort(), findPort()]);
      const [ingress, admin, node, servicePort] = ports;
      const startServers = async (): Promise<Program[]> => {
        const service = startProgram(process.execPath, [path.join(dir, 'service.mjs'), String(servicePort)], {
          name: 'restate-service',
          folder,
          environment: quiet,
        });
        await service.waitFor(/READY/);
        const args = ['--base-dir', path.join(folder, 'data'), '--listen-mode', 'tcp', '--bind-ip', '127.0.0.1'];
        const main = startProgram(server, [...args, '--bind-port', String(node), '--no-logo'], {
          name: 'restate-server',
          folder,
          environment: {
            ...quiet,
            RESTATE_INGRESS__BIND_PORT: String(ingress),
            RESTATE_ADMIN__BIND_PORT: String(admin),
          },
        });
        await untilListening(ingress, main);
        await untilListening(admin, main);
        await register(`http://127.0.0.1:${admin}`, `http://127.0.0.1:${servicePort}`);
        return [service, main];
      };
      return runContender({
        startServers,
        driver: { folder, args: [path.join(root, 'dist/bench/http-driver.js'), 'restate', String(ingress)] },
      });
    },
  };
}

async function register(admin: string, uri: string): Promise<void> {
  const answer = await fetch(`${admin}/deployments`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ uri }),
  });
  if (!answer.ok) throw new Error(`Restate refused its service: ${answer.status} ${await answer.text()}`);
}
