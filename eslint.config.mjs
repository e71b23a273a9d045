// What this configuration guards, beside the usual type-checked rules:
//   - the layers: what may import what (see ARCHITECTURE.md), and no import cycles;
//   - time: only the clock adapters may ask the machine what time it is, in SQL too;
//   - determinism: orchestrations are replayed, so they have no clock, no chance, no environment, no I/O and no async.
import eslint from '@eslint/js';
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript';
import { importX } from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

const say = (selector, message) => ({ selector, message });

/** Asking the machine for the time. */
const wallClock = [
  say("CallExpression[callee.object.name='Date'][callee.property.name='now']", 'Take the time from the Clock port.'),
  say("NewExpression[callee.name='Date'][arguments.length=0]", 'Take the time from the Clock port.'),
  say("CallExpression[callee.name='Date']", 'Take the time from the Clock port.'),
  say(
    "CallExpression[callee.object.name='performance'][callee.property.name='now']",
    'Take the time from the Clock port.',
  ),
];

/** Asking the database for the time: the row would not follow a test's clock. */
const databaseClock = [
  'Literal[value=/\\b(now\\(\\)|current_timestamp|current_date|clock_timestamp\\(\\)|statement_timestamp\\(\\)|localtimestamp)/i]',
  'TemplateElement[value.raw=/\\b(now\\(\\)|current_timestamp|current_date|clock_timestamp\\(\\)|statement_timestamp\\(\\)|localtimestamp)/i]',
].map((selector) => say(selector, 'Pass the time of the Clock port as a parameter of the statement.'));

const environment = [
  say("MemberExpression[object.name='process'][property.name='env']", 'Settings are read in src/config.ts only.'),
];

/** What a replayed generator must not do, with what to write instead. */
const nondeterminism = [
  say(
    "MemberExpression[object.name='Math'][property.name='random']",
    'Chance differs at each replay: use saga.newId().',
  ),
  say(
    'CallExpression[callee.name=/^(setTimeout|setInterval|setImmediate|queueMicrotask|fetch)$/]',
    'Orchestrations do no I/O and own no timers: use saga.sleep() or an activity.',
  ),
  say('AwaitExpression', 'Orchestrations are generators: write yield* and put the work in an activity.'),
  say('FunctionDeclaration[async=true]', 'Orchestrations are generators, not async functions.'),
  say('FunctionExpression[async=true]', 'Orchestrations are generators, not async functions.'),
  say('ArrowFunctionExpression[async=true]', 'Orchestrations are generators, not async functions.'),
  say("NewExpression[callee.name='Promise']", 'Orchestrations wait with yield*, not with promises.'),
  say("MemberExpression[object.name='process']", 'Settings reach a saga through its input.'),
  say("MemberExpression[object.name='console']", 'A replay would say it again: log in an activity.'),
  say("MemberExpression[object.name='crypto']", 'Chance differs at each replay: use saga.newId().'),
  say('YieldExpression[delegate=false]', 'A plain yield loses the type of the result: write yield*.'),
];

const layer = (target, from, message) => ({ target, from, message });
const app = ['./src', './orchestrations', './activities'];
const layers = [
  layer(
    './src/domain',
    [...app.filter((dir) => dir !== './src'), './src/!(domain)/**', './src/*.ts', './local', './packages'],
    'The domain imports nothing but itself.',
  ),
  layer(
    './src/ports.ts',
    ['./orchestrations', './activities', './src/!(domain)/**', './src/app.ts', './src/config.ts'],
    'Ports know the domain only.',
  ),
  layer(
    './activities',
    ['./orchestrations', './src/!(domain|ports)/**', './src/app.ts', './src/config.ts'],
    'Activities see the domain, the ports and durable-saga.',
  ),
  layer(
    './orchestrations',
    ['./src/!(domain)/**', './src/*.ts'],
    'Orchestrations see the domain, activities and durable-saga.',
  ),
  layer(
    './src/triggers',
    ['./activities', './src/adapters', './src/app.ts', './src/config.ts'],
    'Triggers see the domain, the ports, orchestrations and durable-saga.',
  ),
  layer(
    './src/adapters',
    ['./orchestrations', './activities', './src/triggers', './src/app.ts', './src/config.ts'],
    'Adapters see the domain, the ports and their SDK.',
  ),
  layer('./packages', [...app, './local', './scripts'], 'No package imports the app.'),
  layer('./packages/durable-saga/src', './packages/functions-host', 'The toolkit runs on any host.'),
  layer('./packages/functions-host/src', './packages/durable-saga', 'The host runs any app.'),
  layer(
    app,
    ['./local', './scripts', './test', './packages/functions-host'],
    'The app does not know which host it runs on.',
  ),
];

const bannedModules = (names, message) => ['error', { patterns: [{ group: names, message }] }];

export default tseslint.config(
  { ignores: ['**/dist/', '**/node_modules/', '.local/', 'coverage/', 'bench/peers/'] },
  eslint.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    plugins: { 'import-x': importX },
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    settings: {
      'import-x/resolver-next': [
        createTypeScriptImportResolver({ conditionNames: ['source', 'types', 'require', 'node'] }),
      ],
    },
    rules: {
      'import-x/no-cycle': ['error', { ignoreExternal: true }],
      'import-x/no-default-export': 'error',
      'import-x/no-restricted-paths': ['error', { zones: layers }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-invalid-void-type': [
        'error',
        { allowInGenericTypeArguments: true, allowAsThisParameter: true },
      ],
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/prefer-nullish-coalescing': ['error', { ignorePrimitives: { string: true, boolean: true } }],
      eqeqeq: 'error',
    },
  },
  {
    files: ['src/**/*.ts', 'activities/**/*.ts', 'packages/durable-saga/src/**/*.ts'],
    ignores: ['src/config.ts', 'src/adapters/system-clock.ts'],
    rules: { 'no-restricted-syntax': ['error', ...wallClock, ...databaseClock, ...environment] },
  },
  {
    files: ['packages/functions-host/src/**/*.ts'],
    ignores: [
      'packages/functions-host/src/clock.ts',
      'packages/functions-host/src/supervisor/**',
      'packages/functions-host/src/cli.ts',
    ],
    rules: { 'no-restricted-syntax': ['error', ...wallClock, ...databaseClock] },
  },
  {
    files: ['orchestrations/**/*.ts'],
    rules: {
      'no-restricted-syntax': ['error', ...wallClock, ...nondeterminism],
      'no-restricted-imports': bannedModules(
        ['node:*', 'fs', 'http', 'https', 'net', 'pg', '@azure/*', 'stripe', 'nodemailer'],
        'Orchestrations do no I/O: call an activity.',
      ),
    },
  },
  {
    files: ['packages/durable-saga/src/**/*.ts'],
    ignores: ['packages/durable-saga/src/durable-functions.ts'],
    rules: {
      'no-restricted-imports': bannedModules(
        ['durable-functions', 'durable-functions/*'],
        'durable-functions is met in one file, durable-functions.ts.',
      ),
    },
  },
  {
    files: ['**/test/**/*.ts', 'bench/**/*.ts', 'scripts/**/*.ts', 'local/**/*.ts'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  {
    files: ['**/*.mjs'],
    languageOptions: {
      globals: { process: 'readonly', console: 'readonly', URL: 'readonly', setTimeout: 'readonly', fetch: 'readonly' },
    },
  },
);
