// What this configuration guards, beside the usual type-checked rules:
//   - the layers: what may import what (see ARCHITECTURE.md), and no import cycles;
//   - time: only the clock adapters may ask the machine what time it is, in SQL too;
//   - determinism: orchestrations are replayed, so they have no clock, no chance, no environment, no I/O and no async;
//     the rules for that are the saga toolkit's own.
import path from 'node:path';
import eslint from '@eslint/js';
import { recommended } from 'durable-saga/eslint';
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

const rooms = {
  src: ['app.ts', 'sagas.ts', 'config.ts', 'ports.ts', 'domain', 'adapters', 'telemetry', 'triggers'],
  '.': ['orchestrations', 'activities', 'local', 'scripts', 'test', 'bench'],
  packages: ['durable-saga', 'functions-host', 'service-bus-emulator'],
};

/** Zones that let `target` import the named rooms (and itself) and no other part of this repository. */
const mayImport = (target, ...allowed) =>
  [].concat(target).flatMap((own) =>
    Object.entries(rooms).flatMap(([parent, names]) =>
      names
        .map((name) => path.posix.join(parent, name))
        .filter((room) => ![own, ...allowed].includes(room) && !own.startsWith(`${room}/`))
        .map((room) => ({
          target: `./${own}`,
          from: `./${room}`,
          message: `${own} may import ${allowed.length > 0 ? allowed.join(', ') : 'nothing else of this repository'}.`,
        })),
    ),
  );

const domain = 'src/domain';
const ports = 'src/ports.ts';
const toolkit = 'packages/durable-saga';
const layers = [
  ...mayImport(domain),
  ...mayImport(ports, domain, toolkit),
  ...mayImport('src/config.ts', domain),
  ...mayImport('activities', domain, ports, toolkit),
  ...mayImport('orchestrations', domain, 'activities', toolkit),
  ...mayImport('src/triggers', domain, ports, 'orchestrations', toolkit),
  ...mayImport('src/adapters', domain, ports, toolkit),
  ...mayImport('src/telemetry', domain, ports, toolkit),
  ...mayImport('src/sagas.ts', 'activities', 'orchestrations'),
  ...mayImport(
    'src/app.ts',
    'src/sagas.ts',
    domain,
    ports,
    'src/config.ts',
    'src/adapters',
    'src/telemetry',
    'src/triggers',
    'orchestrations',
    toolkit,
  ),
  ...mayImport('packages/durable-saga/src'),
  ...mayImport('packages/functions-host/src', 'packages/service-bus-emulator'),
  ...mayImport('packages/service-bus-emulator/src'),
];

const bannedModules = (regex, message) => ['error', { patterns: [{ regex, message }] }];

export default tseslint.config(
  { ignores: ['**/dist/', '**/node_modules/', '.local/', '.package/', 'coverage/', 'bench/peers/'] },
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
    files: ['**/*.ts'],
    ignores: [
      '**/test/**',
      // All that reaches into durable-functions stands in one place.
      'packages/functions-host/src/durable/executor-seam.ts',
      // The facade of the engine: each operation is a few lines, and they share its state.
      'packages/functions-host/src/engine/engine.ts',
    ],
    rules: { 'max-lines': ['error', { max: 300, skipBlankLines: true, skipComments: true }] },
  },
  {
    files: ['src/**/*.ts', 'activities/**/*.ts', 'packages/durable-saga/src/**/*.ts'],
    ignores: ['src/config.ts', 'src/adapters/clock.ts', 'packages/durable-saga/src/eslint/**'],
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
    files: ['packages/service-bus-emulator/src/**/*.ts'],
    ignores: ['packages/service-bus-emulator/src/clock.ts'],
    rules: { 'no-restricted-syntax': ['error', ...wallClock] },
  },
  {
    files: ['orchestrations/**/*.ts'],
    extends: [recommended],
    rules: {
      'no-restricted-syntax': ['error', ...wallClock],
      'no-restricted-imports': bannedModules(
        '^(node:.*|fs|http|https|net|pg|@azure/.*|stripe|nodemailer)$',
        'Orchestrations do no I/O: call an activity.',
      ),
    },
  },
  {
    files: ['packages/durable-saga/src/**/*.ts'],
    ignores: [
      'packages/durable-saga/src/host/durable-functions.ts',
      // The library's executor by itself, for tests and for replaying histories.
      'packages/durable-saga/src/host/library-executor.ts',
      'packages/durable-saga/src/http/register-saga-routes.ts',
    ],
    rules: {
      'no-restricted-imports': bannedModules(
        '^(durable-functions|@azure/functions)(/|$)',
        'durable-functions is met in durable-functions.ts, its executor in library-executor.ts, and @azure/functions where routes are registered.',
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
    files: ['**/*.cjs'],
    languageOptions: { sourceType: 'commonjs', globals: { __dirname: 'readonly' } },
  },
  {
    files: ['**/*.mjs'],
    languageOptions: {
      globals: { process: 'readonly', console: 'readonly', URL: 'readonly', setTimeout: 'readonly', fetch: 'readonly' },
    },
  },
);
