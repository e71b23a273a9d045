/*
 * Modules of others that are asked for at start and needed later, or by `require`, at which esbuild cuts nothing. Each becomes
 * a file of its own. Who asks for it gets a stand-in with the same names, which loads the file when one of them is first read.
 * A module without names is asked for because of what it does when it is loaded, so then it is.
 */
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const namespace = 'late';

/** The name of the file, without its ending. */
export const lateName = (module) => module.replace(/^@/, '').replaceAll('/', '-');

/** A plugin of esbuild. The modules must be entry points, too, named by `lateName`. */
export function lateModules(modules) {
  return {
    name: 'late-modules',
    setup(build) {
      build.onResolve({ filter: /^[^.]/ }, ({ path, kind, importer }) => {
        if (kind === 'entry-point' || !modules.includes(path)) return undefined;
        const [theirs, ours] = [createRequire(importer).resolve(path), require.resolve(path)];
        if (theirs === ours) return { path, namespace };
        return { errors: [{ text: `${importer} asks for another copy of ${path} than there is for all: ${theirs}` }] };
      });
      build.onResolve({ filter: /./, namespace }, ({ path }) => ({ path, external: true }));
      build.onLoad({ filter: /./, namespace }, ({ path }) => ({ contents: standIn(path) }));
    },
  };
}

function standIn(module) {
  const real = require(module);
  const load = `const load = () => require('./${lateName(module)}.js');`;
  const names = Object.keys(real);
  if (typeof real !== 'function' && names.length === 0) return `${load} module.exports = load();`;
  // A module that is a function is called, too.
  const made = typeof real === 'function' ? 'module.exports = (...args) => load()(...args);' : '';
  return `${load} ${made} for (const name of ${JSON.stringify(names)})
    Object.defineProperty(module.exports, name, { enumerable: true, get: () => load()[name] });`;
}
