// `npm run check`: everything that is checked without running a test, in two lanes side by side, since the linter alone takes as
// long as all the others. Each check's output is printed whole when it ends. All run to their end; one that fails fails the whole.
import { spawn } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';

const lanes = [['lint'], ['types', 'format:check', 'unused', 'licences', 'diagram -- --check']];
const cwd = fileURLToPath(new URL('..', import.meta.url));

/** Resolves with the npm script's exit code, or the signal that ended it. */
function run(check) {
  const startedAt = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(`npm run --silent ${check}`, { cwd, shell: true, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => (output += text));
    child.once('error', reject);
    child.once('close', (code, signal) => {
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
      console.log(`${code === 0 ? 'ok    ' : 'FAILED'} ${check} (${seconds} s)\n${output}`.trimEnd());
      resolve(code ?? signal);
    });
  });
}

const failed = [];
await Promise.all(
  lanes.map(async (lane) => {
    for (const check of lane) if ((await run(check)) !== 0) failed.push(check);
  }),
);
if (failed.length > 0) {
  console.error(`\n${failed.length} of the checks failed: ${failed.join(', ')}`);
  process.exit(1);
}
