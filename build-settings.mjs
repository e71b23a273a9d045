/** What every build of this repository's code is made with. */
export const shared = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  sourcemap: true,
  logLevel: 'warning',
};

/** What stays outside of the app's bundle: what the host provides, and what is optional and not installed. */
export const appOutside = ['@azure/functions-core', 'pg-native'];

/**
 * Azure's packages are taken as CommonJS wherever they are asked for, so that there is one copy of each: those that the Service Bus
 * extension brings can be had in no other form, and the ES modules of storage-blob ask where they are, which code in a bundle can't say.
 */
const oneAzure = {
  name: 'one-azure',
  setup(build) {
    build.onResolve({ filter: /^@azure\// }, ({ path, kind, importer, resolveDir }) =>
      kind === 'import-statement' || kind === 'dynamic-import'
        ? build.resolve(path, { kind: 'require-call', importer, resolveDir })
        : undefined,
    );
  },
};

/** zod's messages come in fifty languages, all of which would be loaded; the app's are English. */
const oneLanguage = {
  name: 'one-language',
  setup(build) {
    build.onLoad({ filter: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js';",
    }));
  },
};

/** Plugins of every build of the app. */
export const appPlugins = [oneAzure, oneLanguage];
