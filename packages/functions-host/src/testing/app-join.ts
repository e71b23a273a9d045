/*
 * Joining an app in the test's own process.
 *
 * jest has a module loader of its own, with a registry for each test file. There `@azure/functions-core` is mapped to a module of
 * this package (the preset). The libraries ask for it once, so before another host, and when something had asked before the
 * first one, the registry is emptied: the app is loaded anew, as in a process of its own. In plain Node the module is put into the loader, as by `functions-host start`,
 * and what the app had loaded is forgotten when its host stops; ES modules can't be forgotten, so there an app of ES modules is
 * loaded once in a process.
 */
import { type AppJoin, nodeJoin } from '../app/functions-core';
import { StartError } from '../host/start-error';
// What the host loads when it is needed is loaded before jest forgets its modules: no class shall exist twice.
import '../host/timer-listener';
import '../store/postgres';
import { forgetAsked, isCoreInPlace, putCore } from './core-place';

/** jest gives this to each module that it loads; there is none elsewhere. */
declare const jest: { resetModules(): unknown } | undefined;

const inJest =
  "In jest the app's functions reach the host by the preset: set preset: 'functions-host' in jest's configuration " +
  "(or map '^@azure/functions-core$' to the module that functions-host/jest-preset.js names).";
const inNode =
  'Was the app loaded in this process before? ES modules are loaded once: have one host in each process, or run the tests in jest.';

/** How a test's host meets its app. @param load runs the app's sources; without it the app's entry points are run. */
export function joinInProcess(load: (() => Promise<unknown>) | undefined): AppJoin {
  if (typeof jest === 'undefined') return { provide: provideInNode, load, hint: inNode };
  return { provide: provideInJest, load, hint: inJest };
}

type Exports = Parameters<AppJoin['provide']>[0];

function provideInJest(exports: Exports): () => void {
  requireNone();
  const takeAway = putCore(exports);
  if (forgetAsked() && typeof jest !== 'undefined') jest.resetModules();
  return takeAway;
}

function provideInNode(exports: Exports): () => void {
  requireNone();
  const known = new Set(Object.keys(require.cache));
  const undos = [nodeJoin.provide(exports), putCore(exports)];
  return () => {
    for (const undo of undos) undo();
    for (const file of Object.keys(require.cache)) if (!known.has(file)) Reflect.deleteProperty(require.cache, file);
  };
}

function requireNone(): void {
  if (!isCoreInPlace()) return;
  throw new StartError('A test host is running in this process already: stop() it before the next one is made.');
}
