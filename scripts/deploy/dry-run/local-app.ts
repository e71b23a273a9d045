import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { passConnection } from './pass-connection';
import { startFunctionsHost } from './program';
import type { Program } from './program';

/*
 * A function app as Azure has it, on this machine: one address and one set of keys that outlive every package, one task hub,
 * and behind them one host after another. A deployment is taken at once and done later: the new host starts beside the old
 * one, as a standby on the same task hub; when it is ready, the address leads to it and the old one is stopped. So for a
 * while the old version answers at the address to which the new one was deployed, as it does in Azure. A package that does
 * not load leaves the app without a host.
 */

export interface LocalAppOptions {
  /** The checkout that has functions-host built. */
  readonly root: string;
  /** Where hosts and packages are kept. */
  readonly folder: string;
  /** `postgres://` URL. */
  readonly taskHub: string;
  /** What the app has whatever the infrastructure gives it: where services are. */
  readonly settings: Readonly<Record<string, string>>;
}

export interface AppKeys {
  readonly master: string;
  readonly host: Readonly<Record<string, string>> & { readonly default: string };
  readonly system: { readonly durabletask_extension: string; readonly blobs_extension: string };
}

export class LocalApp {
  #keys: AppKeys;
  #settings: Readonly<Record<string, string>> = {};
  /** The folder of the package that runs. */
  #package: string | undefined;
  /** The package and the settings that the host has been started with. */
  #running: string | undefined;
  readonly url: string;
  readonly #options: LocalAppOptions;
  readonly #front: Server;
  readonly #sockets = new Set<Socket>();
  #host: { readonly program: Program; readonly port: number } | undefined;
  #starts = 0;
  /** The last deployment, and all before it. */
  #done: Promise<void> = Promise.resolve();
  readonly #failures: string[] = [];

  private constructor(options: LocalAppOptions, front: Server) {
    this.#options = options;
    this.#front = front;
    this.url = `http://127.0.0.1:${(front.address() as AddressInfo).port}`;
    this.#keys = {
      master: newKey(),
      host: { default: newKey() },
      system: { durabletask_extension: newKey(), blobs_extension: newKey() },
    };
    front.on('connection', (socket: Socket) => this.#pass(socket));
  }

  static async create(options: LocalAppOptions): Promise<LocalApp> {
    const front = createServer().listen(0, '127.0.0.1');
    await once(front, 'listening');
    return new LocalApp(options, front);
  }

  get keys(): AppKeys {
    return this.#keys;
  }

  /** What the infrastructure and its operators have given it. */
  get settings(): Readonly<Record<string, string>> {
    return this.#settings;
  }

  /** Resolves when nothing is under way any more that a deployment or a change of settings has begun. */
  settled(): Promise<void> {
    return this.#done;
  }

  /** What the hosts of packages that could not be run have said. */
  get failures(): readonly string[] {
    return this.#failures;
  }

  /** Takes a package; it is unpacked when this resolves, and runs some time later. */
  async deploy(zip: string): Promise<void> {
    const app = path.join(this.#options.folder, 'packages', randomBytes(6).toString('hex'));
    await mkdir(app, { recursive: true });
    await promisify(execFile)('unzip', ['-q', zip, '-d', app]);
    this.#later(() => {
      this.#package = app;
    });
  }

  /** Changes the settings; as in Azure, that starts what runs anew, some time later. */
  configure(settings: Readonly<Record<string, string>>): void {
    const before = JSON.stringify(Object.entries(this.#settings).sort());
    if (JSON.stringify(Object.entries(settings).sort()) === before) return;
    this.#settings = settings;
    this.#later(() => {});
  }

  /** Gives callers another key, as an operator does: the host that runs takes it at once. */
  async setHostKey(name: string, value: string): Promise<void> {
    await this.#done;
    this.#keys = { ...this.#keys, host: { ...this.#keys.host, [name]: value } };
    if (this.#host === undefined) return;
    const answer = await fetch(`${this.url}/admin/host/keys/${name}`, {
      method: 'PUT',
      headers: { 'x-functions-key': this.#keys.master, 'content-type': 'application/json', connection: 'close' },
      body: JSON.stringify({ name, value }),
    });
    if (!answer.ok) throw new Error(`the host answered ${answer.status} to a new key`);
  }

  #later(change: () => void): void {
    this.#done = this.#done.then(async () => {
      change();
      const wanted = this.#package === undefined ? undefined : JSON.stringify([this.#package, this.#settings]);
      if (this.#package === undefined || wanted === this.#running) return;
      this.#running = wanted;
      await this.#replace(this.#package);
    });
  }

  /** Ends the hosts, and the address. */
  async stop(): Promise<void> {
    await this.#done;
    await this.#host?.program.stop();
    for (const socket of this.#sockets) socket.destroy();
    this.#front.close();
  }

  async #replace(app: string): Promise<void> {
    this.#starts += 1;
    const data = path.join(
      this.#options.folder,
      'hosts',
      `${path.basename(this.url).replace(/\W/g, '-')}-${this.#starts}`,
    );
    const old = this.#host;
    try {
      this.#host = await this.#startHost(app, data);
    } catch (error) {
      this.#host = undefined;
      this.#failures.push(String(error));
    }
    await old?.program.stop();
  }

  async #startHost(app: string, data: string) {
    const keys = path.join(data, 'host', 'keys.json');
    await mkdir(path.dirname(keys), { recursive: true });
    await writeFile(keys, JSON.stringify({ ...this.#keys, functions: {} }));
    const [port, { root, taskHub, settings }] = [await freePort(), this.#options];
    const args = [
      'start',
      '--app',
      app,
      '--port',
      String(port),
      '--data',
      data,
      '--task-hub',
      taskHub,
      '--auth',
      '--no-watch',
    ];
    const carrierSettings = {
      CARRIER_CALLBACK_URL: `${this.url}/api/returns/{returnId}/collected?code=${this.#keys.host.default}`,
    };
    return {
      port,
      program: await startFunctionsHost(root, args, { ...settings, ...this.#settings, ...carrierSettings }),
    };
  }

  #pass(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    if (this.#host === undefined) {
      socket.end('HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    passConnection(socket, this.#host.port);
  }
}

const newKey = (): string => randomBytes(30).toString('base64url');

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
