/*
 * Whether anything is on its way between an emulator in this process and its clients.
 *
 * Messages, settlements and new links travel through sockets, of which both ends are here, so nobody is told of what was
 * written and not yet read. What is written is read within a turn of the event loop or two, and answered within some more; the
 * client library lets a millisecond go by here and there. So it is quiet when no byte has moved for some turns and a few
 * milliseconds, and stays so until one moves. A client that is connecting
 * has moved none yet; where to is not known by then, so all that connect count.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { realClock } from '../../clock';

const acceptedSockets = 'net.server.socket';
const clientSockets = 'net.client.socket';
const quietLooks = 10;
const quietMs = 5;

export interface Traffic {
  /** To be asked once in a turn of the event loop, until it is false. */
  isMoving(): boolean;
  close(): void;
}

/** Watches what a server in this process accepts on a port from now on. */
export function watchTraffic(port: number): Traffic {
  const sockets = new Set<Socket>();
  /** Bytes of those that are closed. */
  let past = 0;
  const onSocket = (about: unknown): void => {
    const { socket } = about as { readonly socket: Socket };
    if (socket.localPort !== port) return;
    sockets.add(socket);
    socket.once('close', () => {
      sockets.delete(socket);
      past += bytesOf(socket);
    });
  };
  subscribe(acceptedSockets, onSocket);
  const connecting = new Set<Socket>();
  const onClient = (about: unknown): void => {
    connecting.add((about as { readonly socket: Socket }).socket);
  };
  subscribe(clientSockets, onClient);

  let last = 0;
  /** When a byte was last seen to have moved; undefined once it is quiet. */
  let movedAt: number | undefined;
  let looks = 0;
  return {
    isMoving() {
      for (const socket of connecting) if (!socket.connecting || socket.destroyed) connecting.delete(socket);
      const moved = [...sockets].reduce((sum, socket) => sum + bytesOf(socket), past);
      if (moved !== last || connecting.size > 0) {
        last = moved;
        movedAt = realClock.now();
        looks = 0;
      } else if (movedAt !== undefined && ++looks > quietLooks && realClock.now() - movedAt >= quietMs) {
        movedAt = undefined;
      }
      return movedAt !== undefined;
    },
    close: () => {
      unsubscribe(acceptedSockets, onSocket);
      unsubscribe(clientSockets, onClient);
    },
  };
}

function bytesOf({ bytesRead, bytesWritten }: Socket): number {
  return bytesRead + bytesWritten;
}
