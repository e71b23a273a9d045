import { longestGrpcMessage } from './settlement-server';

/**
 * Tells the extension library of the app where the settlement service is: it reads that from the arguments of the process, which
 * are those that the real host starts a worker with. All others are taken away meanwhile: `--port` twice would be no port.
 * @returns a function that puts the arguments back.
 */
export function enterArguments(port: number): () => void {
  const before = process.argv;
  process.argv = [
    ...before.slice(0, 2),
    ...['--host', '127.0.0.1', '--port', String(port)],
    ...['--functions-grpc-max-message-length', String(longestGrpcMessage)],
  ];
  return () => {
    process.argv = before;
  };
}
