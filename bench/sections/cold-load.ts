import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { readLoad } from '../processes';
import type { Section } from '../section';

/** Runs of each kind for one repeat. */
const RUNS = 4;

interface Measured {
  readonly zip: number;
  readonly functions: number;
  readonly coldLoad: { readonly packaged: readonly number[]; readonly unbundled: readonly number[] };
}

/** How fast the deployed package is loaded, beside the same app with its node_modules. */
export const coldLoadSection: Section = {
  name: 'cold-load',
  title: 'Cold load of the app',
  async measure({ root, folder, options, say }) {
    const program = path.join(root, 'scripts/package.mjs');
    const runs = RUNS * options.repeats;
    say(`packing, then ${runs} loads of each kind`);
    const before = readLoad();
    const args = [program, '--json', '--runs', String(runs), '--out', folder];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    const { zip, functions, coldLoad } = JSON.parse(stdout) as Measured;
    const figure = { quantity: `process start to ${functions} functions registered`, unit: 'ms' };
    return {
      notes: [
        'packaged: the folder of `npm run package`; unbundled: the app in one file, every package in node_modules',
        `one process each, in turn, ${runs} runs of each; the files are in memory`,
        `zip of the package: ${(zip / 1_000_000).toFixed(2)} MB`,
        `load average of the machine: ${before} before, ${readLoad()} after`,
      ],
      figures: [
        { ...figure, subject: 'packaged', values: coldLoad.packaged },
        { ...figure, subject: 'unbundled', values: coldLoad.unbundled },
      ],
    };
  },
};
