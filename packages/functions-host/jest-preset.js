/* global module, require, __dirname */
/**
 * jest's module loader can't be joined from outside, so the name by which the app's libraries ask for their host is mapped to a module of
 * this package. `createTestHost` of functions-host/testing answers through it; without a host nothing does, as in a unit test.
 */
const path = require('node:path');

module.exports = {
  moduleNameMapper: { '^@azure/functions-core$': path.join(__dirname, 'dist/testing/functions-core.js') },
};
