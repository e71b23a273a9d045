import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { Client, escapeLiteral } from 'pg';
import { clusterOwner } from '../../../packages/functions-host/src/supervisor/postgres-cluster';
import { freePorts, localSettings } from '../../../test/support/running-app';
import type { Colour } from '../two-apps';
import { NAMES } from './azure-commands';
import type { LocalAzure } from './azure-commands';
import type { AzureStandIn } from './azure-stand-in';
import { startAzureStandIn } from './azure-stand-in';
import { LocalApp } from './local-app';
import type { Program } from './program';
import { startFunctionsHost } from './program';
import type { WalkedJob } from './run-job';
import { runJob } from './run-job';
import type { Version } from './versions';
import { checkOut } from './versions';
import { WeightedFront } from './weighted-front';
import { readJob } from './workflow';

/*
 * Walks the workflows that deploy, step by step as they stand in `.github/workflows`, against services and an app on this
 * machine. The scripts of all steps are run as they are; only what needs Azure or GitHub is stood in for: the actions and
 * the one script below, and the commands of `az` in azure-stand-in.ts.
 */

export interface DryRun {
  /** The app of an environment that has one only. */
  readonly app: LocalApp;
  readonly azure: LocalAzure;
  readonly settings: Readonly<Record<string, string>>;
  /** Makes the package of a version and rolls it out. */
  deploy(version: Version, how?: RollOut): Promise<Deployment>;
  /** Rolls out once more what was packaged last. */
  deployAgain(how: RollOut): Promise<Deployment>;
  /** Moves traffic between two apps. */
  shift(app: Colour, weight: number | string): Promise<WalkedJob>;
  stop(): Promise<void>;
}

export interface Deployment {
  readonly packaging: WalkedJob;
  readonly rollOut: WalkedJob;
  /** Of the package. */
  readonly build: string;
}

export interface RollOut {
  readonly strategy: 'in-place' | 'blue-green';
  /** The repository's variable SECOND_APP. */
  readonly hasSecondApp: boolean;
}

const INPUTS = { environment: 'staging', 'skip-replay-gate': false, 'take-over': '' };
const IN_PLACE: RollOut = { strategy: 'in-place', hasSecondApp: false };
const GITHUB = { server_url: 'http://localhost', repository: 'dry/run', sha: 'dry-run' };
const VARIABLES = {
  AZURE_CLIENT_ID: NAMES.appIdentityPrincipalId,
  AZURE_LOCATION: 'here',
  AZURE_PRINCIPAL_ID: NAMES.appIdentityPrincipalId,
  AZURE_PRINCIPAL_NAME: 'dry-run',
  AZURE_SUBSCRIPTION_ID: NAMES.appIdentityPrincipalId,
  AZURE_TENANT_ID: NAMES.appIdentityPrincipalId,
  APPROVAL_THRESHOLD: '1000.00',
  CARRIER_URL: 'http://localhost',
  CURRENCY: 'usd',
  MAIL_FROM: 'orders@example.com',
  OPS_EMAIL: 'ops@example.com',
  PAYMENT_PROVIDER_URL: 'http://localhost',
};

export async function startDryRun(root: string, print: (line: string) => void): Promise<DryRun> {
  const folder = await mkdtemp(path.join(tmpdir(), 'deploy-dry-'));
  // Started by root, PostgreSQL runs as another user, who must get in here.
  await chmod(folder, 0o755);
  const [http, ...ports] = await freePorts(10);
  const hub = `postgres://postgres:postgres@127.0.0.1:${ports[3]}/task_hub`;
  const settings: Readonly<Record<string, string>> = {
    ...(await readSettings(root)),
    ...localSettings(http, ports),
    APPROVAL_THRESHOLD: '1000.00',
  };
  let services: Program | undefined;
  const apps: LocalApp[] = [];
  let front: WeightedFront | undefined;
  let standIn: AzureStandIn | undefined;
  const stop = async (): Promise<void> => {
    front?.stop();
    await Promise.all(apps.map((app) => app.stop()));
    await standIn?.stop();
    await services?.stop();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    services = await startServices(root, path.join(folder, 'services'), { ...settings, TASK_HUB: hub });
    const { DATABASE_URL = '' } = settings;
    await prepareDatabaseServer(DATABASE_URL, path.join(folder, 'services/data/postgres'));
    const ofTheApp = { ...settings, DATABASE_URL: signedInAs(NAMES.appIdentityName, DATABASE_URL) };
    const createApp = async (): Promise<LocalApp> => {
      const app = await LocalApp.create({ root, folder, taskHub: hub, settings: ofTheApp });
      apps.push(app);
      return app;
    };
    const [blue, green] = [await createApp(), await createApp()];
    front = await WeightedFront.create({ blue: blue.url, green: green.url });
    const azure: LocalAzure = { apps: { blue, green }, front, next: {}, refusals: [] };
    standIn = await startAzureStandIn(azure, folder);
    const walker = new Walker(root, folder, standIn.programs, settings, print);
    return {
      ...{ app: blue, azure, settings, stop },
      deploy: (version, how) => walker.deploy(version, how),
      deployAgain: (how) => walker.deployAgain(how),
      shift: (app, weight) => walker.shift(app, weight),
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Everything but a host: databases, storage, messages, and the stand-ins of outside systems. */
async function startServices(
  root: string,
  folder: string,
  settings: Readonly<Record<string, string>>,
): Promise<Program> {
  await mkdir(folder);
  const manifest = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')) as Record<string, object>;
  // The deployment migrates; nothing else does.
  const { tasks: _, ...own } = manifest['functions-host'] as Record<string, unknown>;
  await writeFile(path.join(folder, 'package.json'), JSON.stringify({ 'functions-host': own }));
  await cp(path.join(root, 'host.json'), path.join(folder, 'host.json'));
  await writeFile(path.join(folder, 'local.settings.json'), JSON.stringify({ IsEncrypted: false, Values: settings }));
  await Promise.all(['dist', 'local'].map((name) => symlink(path.join(root, name), path.join(folder, name))));
  return startFunctionsHost(root, ['services', '--app', folder, '--data', path.join(folder, 'data')], settings);
}

const APP_PASSWORD = 'dry-run';

/**
 * What Azure's PostgreSQL has and others lack: the function that makes a role of an identity. The role gets a password, in place
 * of a token, so that the app works here, too, with no more rights than the migration step gives it.
 */
async function prepareDatabaseServer(databaseUrl: string, cluster: string): Promise<void> {
  const { hostname: host, port } = new URL(databaseUrl);
  const password = (await readFile(path.join(cluster, `${clusterOwner}.password`), 'utf8')).trim();
  const client = new Client({ host, port: Number(port), user: clusterOwner, password, database: 'postgres' });
  await client.connect();
  try {
    await client.query(`
      create function pgaadauth_create_principal_with_oid(name text, oid text, kind text, admin boolean, mfa boolean)
      returns text language plpgsql security definer as $$ begin
        execute format('create role %I login password %L', name, ${escapeLiteral(APP_PASSWORD)});
        return name;
      end $$`);
  } finally {
    await client.end();
  }
}

function signedInAs(role: string, databaseUrl: string): string {
  const url = new URL(databaseUrl);
  [url.username, url.password] = [role, APP_PASSWORD];
  return url.href;
}

async function readSettings(root: string): Promise<Record<string, string>> {
  const text = await readFile(path.join(root, 'local.settings.json'), 'utf8');
  return (JSON.parse(text) as { Values: Record<string, string> }).Values;
}

/** A package that can be rolled out. */
interface Packaged {
  readonly packaging: WalkedJob;
  /** The folder with it. */
  readonly from: string;
}

class Walker {
  readonly #root: string;
  readonly #folder: string;
  readonly #programs: string;
  readonly #settings: Readonly<Record<string, string>>;
  readonly #print: (line: string) => void;
  #count = 0;
  #shifts = 0;
  #again = 0;
  #last: Packaged | undefined;

  constructor(
    root: string,
    folder: string,
    programs: string,
    settings: Readonly<Record<string, string>>,
    print: (line: string) => void,
  ) {
    this.#root = root;
    this.#folder = folder;
    this.#programs = programs;
    this.#settings = settings;
    this.#print = print;
  }

  async deploy(version: Version, how = IN_PLACE): Promise<Deployment> {
    this.#count += 1;
    const place = path.join(this.#folder, `deployment-${this.#count}`);
    const checkout = path.join(place, 'checkout');
    await mkdir(place, { recursive: true });
    let artifact: string | undefined;
    const packaging = await runJob(await readJob(this.#workflow('deploy.yml'), 'package'), {
      ...this.#environment(checkout, {}),
      actions: {
        'actions/checkout': () => checkOut(this.#root, version, checkout),
        'actions/setup-node': async () => {},
        'actions/upload-artifact': async ({ with: given }) => {
          artifact = path.join(checkout, given?.['path'] ?? '');
          if ((await readdir(artifact)).length === 0) throw new Error(`${artifact}: expected files, found none`);
        },
      },
      // What is installed here is what the lock file says, or the tests would not have run.
      scripts: { 'npm ci --no-audit --no-fund': async () => {} },
    });
    if (packaging.outcome === 'failure' || artifact === undefined) {
      throw new Error(`no package was made of ${version.title}:\n${packaging.log}`);
    }
    this.#last = { packaging, from: artifact };
    return this.#rollOut(this.#last, how, path.join(place, 'workspace'));
  }

  async deployAgain(how: RollOut): Promise<Deployment> {
    if (this.#last === undefined) throw new Error('expected a package that was rolled out before');
    this.#again += 1;
    return this.#rollOut(this.#last, how, path.join(this.#folder, `again-${this.#again}`));
  }

  async #rollOut({ packaging, from }: Packaged, how: RollOut, workspace: string): Promise<Deployment> {
    await mkdir(workspace);
    const { DATABASE_URL = '' } = this.#settings;
    const rollOut = await runJob(await readJob(this.#workflow('roll-out.yml'), 'roll-out'), {
      ...this.#environment(workspace, { DATABASE_URL }, how),
      actions: {
        'actions/download-artifact': () => cp(from, workspace, { recursive: true }),
        'actions/setup-node': async () => {},
        'azure/login': async () => {},
      },
    });
    if (this.#count === 1 && rollOut.outcome === 'success') await this.#fillCatalogue();
    const { build } = JSON.parse(await readFile(path.join(from, 'package/build.json'), 'utf8')) as { build: string };
    return { packaging, rollOut, build };
  }

  async shift(app: Colour, weight: number | string): Promise<WalkedJob> {
    this.#shifts += 1;
    const workspace = path.join(this.#folder, `shift-${this.#shifts}`);
    await mkdir(workspace);
    const { DATABASE_URL = '' } = this.#settings;
    const options = this.#environment(workspace, { DATABASE_URL }, IN_PLACE, `shift-${this.#shifts}`);
    return runJob(await readJob(this.#workflow('shift-traffic.yml'), 'shift-traffic'), {
      ...options,
      contexts: { ...options.contexts, inputs: { environment: 'staging', app, weight: String(weight) } },
      actions: { 'actions/setup-node': async () => {}, 'azure/login': async () => {} },
    });
  }

  #environment(
    folder: string,
    environment: Readonly<Record<string, string>>,
    how = IN_PLACE,
    run = `deployment-${this.#count}`,
  ) {
    const inputs = { ...INPUTS, strategy: how.strategy, weight: '0' };
    const vars = { ...VARIABLES, SECOND_APP: how.hasSecondApp ? 'true' : '' };
    const contexts = { inputs, vars, github: { ...GITHUB, run_id: run } };
    return { folder, contexts, environment, programs: this.#programs, print: this.#print };
  }

  /** Something to order, once there are tables. */
  async #fillCatalogue(): Promise<void> {
    const script = path.join(this.#root, 'dist/scripts/seed-catalogue.js');
    await promisify(execFile)(process.execPath, [script], { env: { ...process.env, ...this.#settings } });
  }

  #workflow(name: string): string {
    return path.join(this.#root, '.github/workflows', name);
  }
}
