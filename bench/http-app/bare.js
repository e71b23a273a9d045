/* global require, process */
// The same answer from Node's own server: what an HTTP function could cost at the least.
const { createServer } = require('node:http');

createServer((_, response) => {
  response.writeHead(200, { 'content-type': 'text/plain;charset=UTF-8', 'content-length': 11 });
  response.end('hello bench');
}).listen(Number(process.argv[2]), '127.0.0.1', () => process.stdout.write('ready: \n'));
