/** One run over the app and all workspaces. Sources are read as they are: workspace imports take the `source` condition. */
export default {
  preset: 'functions-host',
  testMatch: ['<rootDir>/test/**/*.test.ts', '<rootDir>/packages/*/test/**/*.test.ts'],
  transform: {
    '^.+\\.tsx?$': [
      '@swc/jest',
      {
        jsc: { target: 'es2022', parser: { syntax: 'typescript' }, keepClassNames: true },
        module: { type: 'commonjs' },
        sourceMaps: 'inline',
      },
    ],
  },
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['source', 'node', 'node-addons'] },
  globalSetup: '<rootDir>/test/support/build-once.mjs',
  testSequencer: '<rootDir>/test/support/longest-first.mjs',
  modulePathIgnorePatterns: [
    '<rootDir>/dist/',
    '<rootDir>/packages/.*/dist/',
    '<rootDir>/\\.local/',
    '<rootDir>/\\.package/',
  ],
  testTimeout: 30_000,
  maxWorkers: 2,
  // What suites leave behind in a worker makes each later one slower: explorations took eight times as long at the end of a run.
  workerIdleMemoryLimit: '600MB',
};
