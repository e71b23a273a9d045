// `node load-app.cjs <file>`: loads the code of an app as a worker of Azure Functions does and writes, as JSON, the names of the
// functions that it registers and the milliseconds from the start of the process until then. The app's settings are the environment's.
const Module = require('node:module');
const { performance } = require('node:perf_hooks');
const process = require('node:process');

const names = [];
let model;
class Disposable {
  dispose() {}
}
const core = new Module('@azure/functions-core');
core.exports = {
  version: '3.9.1',
  hostVersion: '4.1037.0',
  Disposable,
  log(_level, _category, message) {
    process.stderr.write(`${message}\n`);
  },
  setProgrammingModel(value) {
    model = value;
  },
  getProgrammingModel: () => model,
  registerFunction({ name }) {
    names.push(name);
    return new Disposable();
  },
  registerHook: () => new Disposable(),
};
core.loaded = true;
Module._cache[core.id] = core;
const resolve = Module._resolveFilename;
Module._resolveFilename = (request, ...rest) => (request === core.id ? core.id : resolve(request, ...rest));

require(process.argv[2]);
process.stdout.write(JSON.stringify({ ms: performance.now(), names }), () => process.exit());
