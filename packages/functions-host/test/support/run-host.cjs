/* global process */
// Runs the built host in a process of its own for a test: options come in HOST_OPTIONS, `ready` and `failed` go back
// over IPC, and a `stop` message ends it.
const { startHost, StartError } = require('../../dist/index.js');

startHost(JSON.parse(process.env.HOST_OPTIONS)).then(
  (host) => {
    process.on('message', () => void host.stop().then(() => process.disconnect()));
    process.on('disconnect', () => process.exit(0));
    void host.lost.then(() => host.stop()).then(() => process.exit(75));
    process.send({ type: 'ready', url: host.url, functions: host.functionNames });
  },
  (error) => {
    process.send({ type: 'failed', isStartError: error instanceof StartError, message: error.message }, () =>
      process.exit(1),
    );
  },
);
