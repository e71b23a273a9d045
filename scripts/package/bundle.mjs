/*
 * The app's code as it is deployed: `dist/app.js`, and beside it what is loaded when it is first used.
 *
 * A start reads and compiles every byte of the files that it loads, run or not, and an instance of Flex Consumption starts
 * while somebody waits for an answer. So the code is cut where the sources say `import()`, which esbuild does for ES modules only: it
 * is bundled as those, then each file is turned into CommonJS, as which both hosts take it and a file can be loaded at once.
 * A file that esbuild makes of a CommonJS module has that module as its default export and not one of its names, so `import()` would
 * give `undefined` for each; as CommonJS again, the file is that module itself.
 *
 * Names are kept as written: storage-blob tells credentials apart by the name of their class, and a stack is half readable without
 * the maps. White space and comments, most of the gain, go. What the maps are for is told in mapped-stacks.cjs.
 */
import { Buffer } from 'node:buffer';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { build, transform } from 'esbuild';
import { appOutside, appPlugins, shared } from '../../build-settings.mjs';
import { lateModules, lateName } from './late-modules.mjs';

/** What durable-functions needs for its client and for timers, and what takes messages: see late-modules.mjs. */
const late = ['axios', 'validator', 'moment', 'lodash/cloneDeep', '@azure/functions-extensions-servicebus'];

/**
 * `@azure/identity` can open a browser for somebody to sign in. A deployed app has neither, and the module for it asks where it
 * is, which a file of a bundle can't say.
 */
const noBrowser = {
  name: 'no-browser',
  setup(build) {
    build.onResolve({ filter: /^open$/ }, ({ path }) => ({ path, namespace: 'no-browser' }));
    build.onLoad({ filter: /./, namespace: 'no-browser' }, () => ({
      contents: `export default () => { throw new Error('The deployed app has no browser to sign in with: give it a managed identity.'); };`,
    }));
  },
};

/**
 * Bundles the app of `root`.
 * @returns `files`: name in `dist` -> content; `weights`: package -> bytes of its code in them, the heaviest first.
 */
export async function bundleApp(root) {
  const { outputFiles, metafile } = await build({
    ...shared,
    absWorkingDir: root,
    // Workspaces are links: without this the maps would say where the repository is.
    preserveSymlinks: true,
    entryPoints: { app: 'src/app.ts', ...Object.fromEntries(late.map((name) => [lateName(name), name])) },
    outdir: 'dist',
    chunkNames: '[name]-[hash]',
    conditions: ['source'],
    external: appOutside,
    plugins: [lateModules(late), noBrowser, ...appPlugins],
    format: 'esm',
    splitting: true,
    minifySyntax: true,
    legalComments: 'none',
    keepNames: true,
    sourcemap: 'inline',
    sourcesContent: false,
    metafile: true,
    write: false,
  });
  const files = new Map([['mapped-stacks.js', readFileSync(new URL('mapped-stacks.cjs', import.meta.url))]]);
  for (const file of outputFiles) {
    const name = path.basename(file.path);
    const { code, map } = await transform(file.text, {
      ...{ platform: shared.platform, target: shared.target, format: 'cjs', legalComments: 'none' },
      supported: { 'dynamic-import': false },
      banner: name === 'app.js' ? "require('./mapped-stacks.js');" : '',
      footer: isOneModule(name, metafile) ? 'module.exports=module.exports.default;' : '',
      minifyWhitespace: true,
      minifySyntax: true,
      sourcefile: name,
      sourcemap: 'external',
      sourcesContent: false,
    });
    files.set(name, Buffer.from(`${code}//# sourceMappingURL=${name}.map\n`));
    files.set(`${name}.map`, Buffer.from(map));
  }
  return { files, weights: weigh(metafile) };
}

/** Whether the file is there for one CommonJS module, which somebody asks for when it is needed. */
function isOneModule(name, { inputs, outputs }) {
  const { entryPoint, exports } = outputs[`dist/${name}`] ?? {};
  return inputs[entryPoint]?.format === 'cjs' && exports.join() === 'default';
}

/** Bytes of each package's code, before white space goes; the app's own code is "the app". */
function weigh({ outputs }) {
  const bytes = new Map();
  for (const { inputs } of Object.values(outputs)) {
    for (const [file, { bytesInOutput }] of Object.entries(inputs)) {
      const name = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? 'the app';
      bytes.set(name, (bytes.get(name) ?? 0) + bytesInOutput);
    }
  }
  return [...bytes].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
}
