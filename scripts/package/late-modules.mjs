/*
 * Modules of others that are asked for at start and needed later, or by `require`, at which esbuild cuts nothing. Each becomes
 * a file of its own. Who asks for it gets a stand-in with the same names, which loads the file when one of them is first read.
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
      build.onResolve({ filter: /^[^.]/ }, ({ path, kind }) => {
        if (kind === 'entry-point' || !modules.includes(path)) return undefined;
        return { path, namespace };
      });
      build.onResolve({ filter: /./, namespace }, ({ path }) => ({ path, external: true }));
      build.onLoad({ filter: /./, namespace }, ({ path }) => ({ contents: standIn(path) }));
    },
  };
}

function standIn(module) {
  const names = Object.keys(require(module));
  return `for (const name of ${JSON.stringify(names)})
    Object.defineProperty(exports, name, { enumerable: true, get: () => require('./${lateName(module)}.js').default[name] });`;
}
