import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Contender } from '../contender';
import type { Run } from '../section';
import { dbos } from './dbos';
import { functionsHost } from './functions-host';
import { restate } from './restate';

/** The contenders that the command line asks for, ours first; peers are installed. */
export function toContenders({ root, options }: Run): Contender[] {
  const { verifyReplay, logLevel, nodeArguments, against } = options;
  const ours = { root, verifyReplay, logLevel, nodeArguments };
  const contenders = [functionsHost(ours)];
  if (against !== undefined)
    contenders.push(functionsHost({ ...ours, packageDir: path.resolve(against), name: 'other' }));
  if (options.peers) {
    for (const peer of ['restate', 'dbos']) install(path.join(root, 'bench/peers', peer));
    contenders.push(restate(root), dbos(root));
  }
  return contenders;
}

/** Peers are not part of the project's own installation. */
function install(dir: string): void {
  if (existsSync(path.join(dir, 'node_modules'))) return;
  execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts', '--silent'], {
    cwd: dir,
    stdio: 'inherit',
  });
}
