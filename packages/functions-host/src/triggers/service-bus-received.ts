/*
 * What functions hold of Service Bus at this moment: the messages that were handed to them, and the sessions that these
 * came in. A function settles a message by its lock token, from anywhere in the process; the pump that handed it over
 * asks afterwards whether that was done, and does the rest itself. An entry stays for as long as its function runs:
 * afterwards a settlement fails, as on Azure.
 */

/** Values that Service Bus takes as application properties. */
export type ApplicationProperty = string | number | boolean | Date | null;

export type ApplicationProperties = Readonly<Record<string, ApplicationProperty>>;

/** A message that a function has. Everything rejects when the lock is lost, and all settling once it is settled. */
export interface HeldMessage {
  /** Undefined for an entity without sessions. */
  readonly sessionId: string | undefined;
  /** True as soon as a settlement was begun: nobody else settles it then, unless it fails. */
  readonly isSettled: boolean;
  complete(): Promise<void>;
  /** Back into the entity, to be delivered again; given properties are put over its own. */
  abandon(properties?: ApplicationProperties): Promise<void>;
  /** Put aside until somebody asks for it by its sequence number. */
  defer(properties?: ApplicationProperties): Promise<void>;
  deadLetter(why?: DeadLetterReason, properties?: ApplicationProperties): Promise<void>;
  /** Keeps it locked from now on for the entity's lock duration. @returns when that is over. */
  renewLock(): Promise<Date>;
}

export interface DeadLetterReason {
  readonly reason?: string | undefined;
  readonly description?: string | undefined;
}

/** A session that a function has, by a message of it. Everything but `release` rejects when the session's lock is lost. */
export interface HeldSession {
  /** Undefined if none was set. The client library hands over JSON parsed: such a state comes back in its shortest form. */
  getState(): Promise<Buffer | undefined>;
  setState(state: Buffer): Promise<void>;
  renewLock(): Promise<Date>;
  /** Lets go of the session once its functions have ended, though it may have more messages. */
  release(): void;
}

/** All that functions of this host hold. Lock tokens are UUIDs as the client library writes them; case does not matter. */
export interface ReceivedMessages {
  /** Undefined if no running function has it. */
  message(lockToken: string): HeldMessage | undefined;
  session(sessionId: string): HeldSession | undefined;
  /** @returns what takes it away again. */
  addMessage(lockToken: string, message: HeldMessage): () => void;
  /** The latest under an id is the one that is found: an id may come from several entities. @returns what takes it away. */
  addSession(sessionId: string, session: HeldSession): () => void;
}

export function createReceivedMessages(): ReceivedMessages {
  const messages = new Map<string, HeldMessage>();
  const sessions = new Map<string, HeldSession[]>();
  return {
    message: (lockToken) => messages.get(lockToken.toLowerCase()),
    session: (sessionId) => sessions.get(sessionId)?.at(-1),
    addMessage: (lockToken, message) => {
      const key = lockToken.toLowerCase();
      messages.set(key, message);
      return () => {
        if (messages.get(key) === message) messages.delete(key);
      };
    },
    addSession: (sessionId, session) => {
      sessions.set(sessionId, [...(sessions.get(sessionId) ?? []), session]);
      return () => {
        const left = [...(sessions.get(sessionId) ?? [])];
        const at = left.indexOf(session);
        if (at >= 0) left.splice(at, 1);
        if (left.length > 0) sessions.set(sessionId, left);
        else sessions.delete(sessionId);
      };
    },
  };
}
