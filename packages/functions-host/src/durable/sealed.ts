/**
 * What hosts say to each other, sealed: a request that is passed on to the host of a task hub, and its answer.
 *
 * A hub's lease row says where its host listens, and may do so after that host has died: whoever listens at its port by then gets what
 * was meant for it. So nothing goes there that is of use to anybody else. Both sides know the secret of the lease row, which each host
 * makes anew when it starts and which only those can read who may write to the hub. A message is encrypted and authenticated (AES-256-GCM)
 * by a key made of that secret, a salt that no other message has, and what the message is: a request, or the answer to the
 * request of a certain salt. Who can answer so has proved that it holds the hub, and who can ask so that it may; nobody sends the secret.
 *
 * A stranger at the port sees that somebody asks, when, and how many bytes. It can leave a request unanswered or refuse it, as a
 * host that is gone or starting does. One that sits between two living hosts, and passes on what it gets, can do that, too, and hold
 * a request back for as long as that is fresh; it can't read or alter one, answer with the answer to another, or have one carried out
 * twice: a host takes a request that changes anything once (`TakenRequests`), and a request keeps its id when it is passed on again.
 *
 * It does not protect from those who can read the database or the memory of a host, nor what a caller sends to a host in plain HTTP; and
 * who sits between may have a recorded request carried out once more if the machine's clock is set back to when it was recorded.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

/** Where a host takes sealed requests, below the path of the management API. A host of an earlier build knows no such path. */
export const SEALED_PATH = 'sealed';
/** A sealed request is longer than the body in it by this at most: by its query, its headers and the seal. */
export const SEALED_EXTRA_BYTES = 131_072;

const CIPHER = 'aes-256-gcm';
const SALT_BYTES = 32;
const TAG_BYTES = 16;
/** Each key is of one message. */
const NO_IV = Buffer.alloc(12);

/** What both sides of a message have in common. */
export interface Seal {
  readonly secret: string;
  /** `request`, or which answer it is. */
  readonly what: string;
}

/** The seal of the answer to a sealed request. */
export function answerTo(secret: string, request: Buffer): Seal {
  return { secret, what: `answer ${request.subarray(0, SALT_BYTES).toString('hex')}` };
}

/** A message of a head, which JSON can hold, and a body. */
export function seal(by: Seal, head: object, body: Buffer): Buffer {
  const salt = randomBytes(SALT_BYTES);
  const cipher = createCipheriv(CIPHER, toKey(by, salt), NO_IV);
  const said = [cipher.update(`${JSON.stringify(head)}\n`), cipher.update(body), cipher.final()];
  return Buffer.concat([salt, ...said, cipher.getAuthTag()]);
}

/** Undefined for what was not sealed so. The head is what the other side, which knows the secret, has put there. */
export function unseal(by: Seal, message: Buffer): { readonly head: unknown; readonly body: Buffer } | undefined {
  if (message.length < SALT_BYTES + TAG_BYTES) return undefined;
  const decipher = createDecipheriv(CIPHER, toKey(by, message.subarray(0, SALT_BYTES)), NO_IV);
  decipher.setAuthTag(message.subarray(-TAG_BYTES));
  const said = decipher.update(message.subarray(SALT_BYTES, -TAG_BYTES));
  try {
    decipher.final();
  } catch {
    return undefined;
  }
  const end = said.indexOf('\n');
  return { head: JSON.parse(said.toString('utf8', 0, end)), body: said.subarray(end + 1) };
}

function toKey({ secret, what }: Seal, salt: Buffer): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, salt, `functions-host ${what}`, 32));
}

/** How long a sealed request may be on its way: hosts that pass requests on share a machine, and so a clock. */
const FRESH_MS = 60_000;

/** What a host has been asked for lately, so that a request which was recorded is not taken again. */
export class TakenRequests {
  /** By id, in the order in which they came. */
  readonly #takenAt = new Map<string, number>();

  /** Whether this is news, sealed at `at`; notes it. */
  take(id: string, at: number, now: number): boolean {
    for (const [old, takenAt] of this.#takenAt) {
      // What was taken after it had been on its way for so long is stale by then, too.
      if (Math.abs(now - takenAt) <= 2 * FRESH_MS) break;
      this.#takenAt.delete(old);
    }
    if (!isFresh(at, now) || this.#takenAt.has(id)) return false;
    this.#takenAt.set(id, now);
    return true;
  }
}

export function isFresh(at: number, now: number): boolean {
  return Math.abs(now - at) <= FRESH_MS;
}
