/*
 * The protocol by which a function settles what it was handed: the gRPC service `Settlement` of the Functions host, as
 * `@azure/functions-extensions-servicebus` calls it. Names and numbers are the wire's.
 */
import type { ServiceDefinition } from '@grpc/grpc-js';
import { Root } from 'protobufjs';

const text = (id: number) => ({ type: 'string', id });
const bytes = (id: number) => ({ type: 'bytes', id });
/** A text that can be missing, unlike an empty one. */
const optionalText = (id: number) => ({ type: 'OptionalText', id });

const root = Root.fromJSON({
  nested: {
    Empty: { fields: {} },
    OptionalText: { fields: { value: text(1) } },
    Time: { fields: { seconds: { type: 'int64', id: 1 }, nanos: { type: 'int32', id: 2 } } },
    Token: { fields: { locktoken: text(1) } },
    TokenAndProperties: { fields: { locktoken: text(1), propertiesToModify: bytes(2) } },
    DeadLetter: {
      fields: {
        locktoken: text(1),
        propertiesToModify: bytes(2),
        deadletterReason: optionalText(3),
        deadletterErrorDescription: optionalText(4),
      },
    },
    Session: { fields: { sessionId: text(1) } },
    SessionAndState: { fields: { sessionId: text(1), sessionState: bytes(2) } },
    State: { fields: { sessionState: bytes(1) } },
    LockedUntil: { fields: { lockedUntil: { type: 'Time', id: 1 } } },
  },
});

/** What the calls carry. Bytes that a caller leaves out are empty. */
export interface TokenAndProperties {
  readonly locktoken: string;
  /** A map in AMQP's encoding, or nothing. */
  readonly propertiesToModify: Uint8Array;
}

export interface DeadLetter extends TokenAndProperties {
  readonly deadletterReason?: { readonly value: string } | null;
  readonly deadletterErrorDescription?: { readonly value: string } | null;
}

export interface SessionAndState {
  readonly sessionId: string;
  readonly sessionState: Uint8Array;
}

/** Each call with its request and its answer. */
export interface SettlementCalls {
  readonly Complete: { readonly request: Pick<TokenAndProperties, 'locktoken'>; readonly answer: object };
  readonly Abandon: { readonly request: TokenAndProperties; readonly answer: object };
  readonly Defer: { readonly request: TokenAndProperties; readonly answer: object };
  readonly Deadletter: { readonly request: DeadLetter; readonly answer: object };
  readonly RenewMessageLock: { readonly request: Pick<TokenAndProperties, 'locktoken'>; readonly answer: object };
  readonly GetSessionState: {
    readonly request: Pick<SessionAndState, 'sessionId'>;
    readonly answer: Pick<SessionAndState, 'sessionState'>;
  };
  readonly SetSessionState: { readonly request: SessionAndState; readonly answer: object };
  readonly ReleaseSession: { readonly request: Pick<SessionAndState, 'sessionId'>; readonly answer: object };
  readonly RenewSessionLock: {
    readonly request: Pick<SessionAndState, 'sessionId'>;
    readonly answer: { readonly lockedUntil: { readonly seconds: number; readonly nanos: number } };
  };
}

const messages: Readonly<Record<keyof SettlementCalls, readonly [request: string, answer: string]>> = {
  Complete: ['Token', 'Empty'],
  Abandon: ['TokenAndProperties', 'Empty'],
  Defer: ['TokenAndProperties', 'Empty'],
  Deadletter: ['DeadLetter', 'Empty'],
  RenewMessageLock: ['Token', 'Empty'],
  GetSessionState: ['Session', 'State'],
  SetSessionState: ['SessionAndState', 'Empty'],
  ReleaseSession: ['Session', 'Empty'],
  RenewSessionLock: ['Session', 'LockedUntil'],
};

/** The service as a gRPC server is told of it. */
export const settlementService = Object.fromEntries(
  Object.entries(messages).map(([name, [request, answer]]) => [
    name,
    {
      path: `/Settlement/${name}`,
      requestStream: false,
      responseStream: false,
      ...codecOf('request', request),
      ...codecOf('response', answer),
    },
  ]),
) as unknown as ServiceDefinition;

function codecOf(side: 'request' | 'response', name: string): object {
  const type = root.lookupType(name);
  return {
    [`${side}Serialize`]: (value: object) => Buffer.from(type.encode(type.fromObject(value)).finish()),
    // With defaults: proto3 leaves out a text that is empty.
    [`${side}Deserialize`]: (wire: Buffer) => type.toObject(type.decode(wire), { defaults: true }),
  };
}
