import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { compileFunction, constants } from 'node:vm';
import type { Saga } from '../../definition/saga';
import type { ExplorationSetup } from '../exploration-setup';
import type { SetupModule } from './worker-messages';

/** What a setup's module exports under the setup's name. */
export interface Explorable {
  readonly saga: Saga<unknown, unknown>;
  readonly setup: ExplorationSetup<unknown, unknown>;
}

/**
 * Loads a setup by its file and the name of its export: JavaScript as it is, TypeScript after esbuild, which must be
 * installed, has made one script of it and the files around it. Packages are loaded as a program beside it would.
 */
export async function loadSetup({ file, name }: SetupModule): Promise<Explorable> {
  const exported = /\.[cm]?tsx?$/.test(file) ? await loadTypeScript(file) : await loadScript(file);
  const found = exported[name];
  if (isExplorable(found)) return found;
  const names = Object.keys(exported).join(', ');
  throw new Error(
    `${file}: expected an export '${name}' with { saga, setup }; there are: ${names === '' ? 'none' : names}`,
  );
}

async function loadScript(file: string): Promise<Record<string, unknown>> {
  const loaded = (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  const { default: whole } = loaded;
  // Not all names of a CommonJS module are seen from outside.
  return typeof whole === 'object' && whole !== null ? { ...whole, ...loaded } : loaded;
}

async function loadTypeScript(file: string): Promise<Record<string, unknown>> {
  const load = createRequire(file);
  const esbuild = loadEsbuild(load, file);
  const { outputFiles } = await esbuild.build({
    entryPoints: [file],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'cjs',
    target: `node${process.versions.node}`,
    packages: 'external',
    logLevel: 'silent',
  });
  // Its service would keep the thread alive.
  await esbuild.stop();
  const [script] = outputFiles;
  if (script === undefined) throw new Error(`${file}: esbuild made nothing of it`);
  const module = { exports: {} };
  const evaluate = compileFunction(script.text, ['exports', 'require', 'module', '__filename', '__dirname'], {
    filename: file,
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  }) as (...given: readonly unknown[]) => void;
  evaluate(module.exports, load, module, file, path.dirname(file));
  return module.exports;
}

interface Esbuild {
  build(
    options: Readonly<Record<string, unknown>>,
  ): Promise<{ readonly outputFiles: readonly { readonly text: string }[] }>;
  stop(): Promise<void>;
}

function loadEsbuild(load: NodeJS.Require, file: string): Esbuild {
  try {
    return load('esbuild') as Esbuild;
  } catch (error) {
    throw new Error(
      `${file}: a worker reads TypeScript through esbuild, which can't be loaded: install it (npm install --save-dev ` +
        'esbuild), name a built file, or explore without workers',
      { cause: error },
    );
  }
}

function isExplorable(value: unknown): value is Explorable {
  return typeof value === 'object' && value !== null && 'saga' in value && 'setup' in value;
}
