import { connect } from 'node:net';
import type { Socket } from 'node:net';

/** Passes what comes over a connection on to a port of this machine, and back; each end goes with the other. */
export function passConnection(socket: Socket, port: number): void {
  const behind = connect(port, '127.0.0.1');
  for (const [from, to] of [
    [socket, behind],
    [behind, socket],
  ] as const) {
    from.pipe(to);
    from.on('error', () => to.destroy());
    from.on('close', () => to.destroy());
  }
}
