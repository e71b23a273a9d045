/*
 * The host's settlement service: functions with `sdkBinding: true` complete, abandon, defer and dead-letter their messages by
 * calls to it, and keep their sessions. It listens on the loopback alone, on a port of its own, and knows only what functions
 * of this host hold at this moment: a call about anything else fails, as on Azure, with a text that says why.
 */
import { type handleUnaryCall, Server, ServerCredentials, status, type UntypedHandleCall } from '@grpc/grpc-js';
import type { HostLog } from '../log';
import { messageOf } from '../supervisor/failures';
import type { HeldMessage, HeldSession, ReceivedMessages } from '../triggers/service-bus-received';
import { readAmqpMap } from './amqp-map';
import { settlementService, type SettlementCalls } from './settlement-protocol';

/** The longest message that gRPC can be told to take; the extension gets the same number. */
export const longestGrpcMessage = 2 ** 31 - 1;

const category = 'Host.ServiceBus.Settlement';

export interface SettlementServer {
  readonly port: number;
  close(): void;
}

type Handlers = {
  readonly [Call in keyof SettlementCalls]: (
    request: SettlementCalls[Call]['request'],
  ) => Promise<SettlementCalls[Call]['answer']>;
};

/** Opens the service on a free port of 127.0.0.1. */
export async function openSettlementServer(received: ReceivedMessages, log: HostLog): Promise<SettlementServer> {
  const server = new Server({ 'grpc.max_receive_message_length': longestGrpcMessage });
  const handlers = Object.entries(toHandlers(received)).map(([name, handle]): [string, UntypedHandleCall] => [
    name,
    toUnaryCall(name, handle as Handler, log),
  ]);
  server.addService(settlementService, Object.fromEntries(handlers));
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
      if (error) reject(error);
      else resolve(bound);
    });
  });
  return {
    port,
    close: () => {
      server.forceShutdown();
    },
  };
}

type Handler = (request: unknown) => Promise<object>;

/** A call that fails, as gRPC tells it. */
class RefusedCall extends Error {
  readonly code: status;

  constructor(code: status, message: string) {
    super(message);
    this.code = code;
  }
}

function toHandlers(received: ReceivedMessages): Handlers {
  const message = ({ locktoken }: { readonly locktoken: string }): HeldMessage => {
    const held = received.message(locktoken);
    if (held !== undefined) return held;
    throw new RefusedCall(
      status.FAILED_PRECONDITION,
      `LockToken ${JSON.stringify(locktoken)} not found: no function that is running was handed a message with it. ` +
        'A message is settled before its function ends.',
    );
  };
  /** To settle it: once is all. */
  const open = (request: { readonly locktoken: string }): HeldMessage => {
    const held = message(request);
    if (!held.isSettled) return held;
    throw new RefusedCall(
      status.FAILED_PRECONDITION,
      `The message with LockToken ${request.locktoken} is settled already: complete, abandon, defer and deadletter exclude one another.`,
    );
  };
  const session = ({ sessionId }: { readonly sessionId: string }): HeldSession => {
    const held = received.session(sessionId);
    if (held !== undefined) return held;
    throw new RefusedCall(
      status.FAILED_PRECONDITION,
      `SessionId ${JSON.stringify(sessionId)} not found: no function that is running was handed a message of it.`,
    );
  };
  const done = async (work: Promise<unknown>): Promise<object> => {
    await work;
    return {};
  };
  // Each is async, so that what `message` throws is an answer, too.
  return {
    Complete: async (request) => done(open(request).complete()),
    Abandon: async (request) => done(open(request).abandon(toProperties(request.propertiesToModify))),
    Defer: async (request) => done(open(request).defer(toProperties(request.propertiesToModify))),
    Deadletter: async (request) => {
      const why = {
        reason: request.deadletterReason?.value,
        description: request.deadletterErrorDescription?.value,
      };
      return done(open(request).deadLetter(why, toProperties(request.propertiesToModify)));
    },
    RenewMessageLock: async (request) => done(message(request).renewLock()),
    GetSessionState: async (request) => ({
      sessionState: (await session(request).getState()) ?? new Uint8Array(),
    }),
    SetSessionState: async (request) => done(session(request).setState(Buffer.from(request.sessionState))),
    ReleaseSession: async (request) => {
      session(request).release();
      return Promise.resolve({});
    },
    RenewSessionLock: async (request) => {
      const until = (await session(request).renewLock()).getTime();
      return { lockedUntil: { seconds: Math.floor(until / 1000), nanos: (until % 1000) * 1_000_000 } };
    },
  };
}

function toProperties(bytes: Uint8Array): ReturnType<typeof readAmqpMap> {
  try {
    return readAmqpMap(bytes);
  } catch (error) {
    throw new RefusedCall(status.INVALID_ARGUMENT, messageOf(error));
  }
}

function toUnaryCall(name: string, handle: Handler, log: HostLog): handleUnaryCall<unknown, object> {
  return (call, callback) => {
    handle(call.request).then(
      (value) => {
        callback(null, value);
      },
      (error: unknown) => {
        const message = messageOf(error);
        log.log('Warning', category, `${name} failed: ${message}`, { error });
        callback({ code: error instanceof RefusedCall ? error.code : status.UNKNOWN, details: message });
      },
    );
  };
}
