import type { ESLint, Linter } from 'eslint';
import { noAsync } from './rules/no-async';
import { noClock } from './rules/no-clock';
import { noEnvironment } from './rules/no-environment';
import { noIo } from './rules/no-io';
import { noLargeLiteral } from './rules/no-large-literal';
import { noModuleState } from './rules/no-module-state';
import { noRandom } from './rules/no-random';
import { noReuse } from './rules/no-reuse';
import { noUncancelledTimer } from './rules/no-uncancelled-timer';
import { requireYieldStar } from './rules/require-yield-star';

const rules = {
  'no-async': noAsync,
  'no-clock': noClock,
  'no-environment': noEnvironment,
  'no-io': noIo,
  'no-large-literal': noLargeLiteral,
  'no-module-state': noModuleState,
  'no-random': noRandom,
  'no-reuse': noReuse,
  'no-uncancelled-timer': noUncancelledTimer,
  'require-yield-star': requireYieldStar,
};

/**
 * Rules for ESLint (flat configuration, version 9 or later) about code that is replayed: the bodies of sagas and the
 * orchestrators of durable-functions, with the functions that they use. Other code in the same file is left alone.
 */
export const plugin: ESLint.Plugin = { meta: { name: 'durable-saga' }, rules };

/** All rules, as errors: spread it into a configuration, beside the `files` that it is for. */
export const recommended: Linter.Config = {
  name: 'durable-saga/recommended',
  plugins: { 'durable-saga': plugin },
  rules: Object.fromEntries(Object.keys(rules).map((name) => [`durable-saga/${name}`, 'error'])),
};
