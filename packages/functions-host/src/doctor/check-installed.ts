import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { messageOf } from '../supervisor/failures';
import { preparePostgresBinaries } from '../supervisor/postgres-binaries';
import { chooseServerAccount } from '../supervisor/server-account';
import { findServiceBusEmulator } from '../supervisor/service-bus-emulator';
import { type Finding, info, ok, problem, warning } from './finding';

/** The version that sticky running was made for: it reaches into the library's executor. */
const feedableVersion = '3.5.0';

/** What this program itself needs: Node, Azurite, a PostgreSQL that runs for this user. */
export async function checkPrograms(dataDir: string, engines: string): Promise<Finding[]> {
  const isRoot = process.getuid?.() === 0;
  return [
    checkNode(process.versions.node, engines),
    isRoot
      ? info('Runs as root: PostgreSQL runs as nobody, or as the owner of its data')
      : info('Does not run as root'),
    checkAzurite(),
    checkServiceBusEmulator(),
    await checkPostgres(dataDir),
  ];
}

/** Compares with `>=MAJOR.MINOR`, the form that engines have here. */
export function checkNode(version: string, engines: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [neededMajor = 0, neededMinor = 0] = engines.replace(/^>=/, '').split('.').map(Number);
  const isEnough = major > neededMajor || (major === neededMajor && minor >= neededMinor);
  return isEnough ? ok(`Node ${version}`) : problem(`Node ${version}: expected ${engines}`);
}

function checkAzurite(): Finding {
  try {
    const file = createRequire(__filename).resolve('azurite/package.json');
    return ok(`Azurite ${readVersion(file)}`);
  } catch (error) {
    return problem(`Azurite can't be started, its npm package is missing: ${firstLine(messageOf(error))}`);
  }
}

function checkServiceBusEmulator(): Finding {
  try {
    return ok(`Service Bus emulator ${readVersion(findServiceBusEmulator().packageFile)}`);
  } catch (error) {
    return problem(
      `The Service Bus emulator can't be started, its npm package is missing: ${firstLine(messageOf(error))}`,
    );
  }
}

async function checkPostgres(dataDir: string): Promise<Finding> {
  try {
    const account = await chooseServerAccount(path.join(dataDir, 'postgres'));
    const { postgres, majorVersion } = await preparePostgresBinaries(account);
    return ok(`PostgreSQL ${majorVersion} runs (${path.dirname(postgres)})`);
  } catch (error) {
    return problem(messageOf(error));
  }
}

/** The libraries as the app's own code finds them. */
export function checkLibraries(appDir: string): Finding[] {
  const functions = findInstalled(appDir, '@azure/functions');
  const durable = findInstalled(appDir, 'durable-functions');
  return [
    functions === undefined
      ? warning('@azure/functions is not in node_modules: either it is bundled into the app, or `npm install` is due')
      : functions.startsWith('4.')
        ? ok(`@azure/functions ${functions}`)
        : problem(`@azure/functions ${functions}: expected 4.x, the Node v4 programming model`),
    durable === undefined
      ? info('durable-functions is not in node_modules: the app does not use it, or has it bundled')
      : checkDurable(durable),
  ];
}

function checkDurable(version: string): Finding {
  if (version === feedableVersion) return ok(`durable-functions ${version}`);
  if (!version.startsWith('3.')) return problem(`durable-functions ${version}: expected 3.x, for the Node v4 model`);
  return warning(
    `durable-functions ${version}: running orchestrations are kept alive between turns with ${feedableVersion}, which this ` +
      'host was made for; where another version differs inside, every turn is a replay',
  );
}

/** The version that `require` would find from the app's folder. */
export function findInstalled(appDir: string, name: string): string | undefined {
  for (let dir = path.resolve(appDir); ; dir = path.dirname(dir)) {
    const file = path.join(dir, 'node_modules', name, 'package.json');
    if (existsSync(file)) return readVersion(file);
    if (path.dirname(dir) === dir) return undefined;
  }
}

export function readVersion(file: string): string {
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? '';
}
