import { crc32 } from 'node:zlib';
import type { HeldMessage, InstanceRow } from '../store/store';
import type { EntityMessage, EntityParcel } from './entity-messages';
import type { EntityLock } from './entity-queue';

/**
 * What an entity is. It stands in the input of the entity's row as
 * `{"v":1,"crc":<checksum>,"exists":true,"state":"<JSON>","lock":{...}}`. The checksum is the CRC-32 of the entity's id and
 * all that follows the checksum. A text that does not fit it, or another version, is an error, never a guess.
 */
export interface EntityState {
  readonly exists: boolean;
  /** JSON; undefined when the entity has set none. */
  readonly state: string | undefined;
  readonly lock: EntityLock | undefined;
}

const FORMAT = 1;

export const NEW_ENTITY: EntityState = { exists: false, state: undefined, lock: undefined };

export function encodeEntityState(id: string, { exists, state, lock }: EntityState): string {
  const rest = JSON.stringify({ exists, state, lock }).slice(1);
  return `{"v":${FORMAT},"crc":${checksum(id, rest)},${rest}`;
}

function checksum(id: string, rest: string): number {
  return crc32(rest, crc32(id));
}

/** Reads the state of an entity's row. Throws when it is damaged or of another format. */
export function decodeEntityState({ id, input }: Pick<InstanceRow, 'id' | 'input'>): EntityState {
  const fault = (why: string): Error => new Error(`State of entity '${id}' can't be read: ${why}`);
  let stored: Partial<Record<keyof EntityState | 'v' | 'crc', unknown>>;
  try {
    stored = Object(JSON.parse(input)) as typeof stored;
  } catch (error) {
    throw fault((error as Error).message);
  }
  const { v, crc, exists, state, lock } = stored;
  if (v !== FORMAT) throw fault(`it has format ${JSON.stringify(v)}; this host reads format ${FORMAT}.`);
  const found = checksum(id, input.slice(input.indexOf(',"exists":') + 1));
  if (crc !== found) throw fault(`its text has checksum ${found}, and ${JSON.stringify(crc)} was stored with it.`);
  if (typeof exists !== 'boolean') throw fault(`expected whether it exists, got ${JSON.stringify(exists)}.`);
  if (state !== undefined && typeof state !== 'string') throw fault(`expected JSON text, got ${typeof state}.`);
  if (lock !== undefined && !isLock(lock)) throw fault(`expected a lock, got ${JSON.stringify(lock)}.`);
  return { exists, state, lock };
}

function isLock(value: unknown): value is EntityLock {
  const { requestId, instanceId, executionId } = Object(value) as Partial<EntityLock>;
  return typeof requestId === 'string' && typeof instanceId === 'string' && typeof executionId === 'string';
}

/** The row of an entity, as the task hub lists it beside orchestrations: it always runs. */
export function toEntityRow(no: number, id: string, createdAt: number, state: EntityState): InstanceRow {
  return {
    no,
    id,
    name: id,
    version: undefined,
    executionId: id,
    parent: undefined,
    status: 'Running',
    createdAt,
    updatedAt: createdAt,
    input: encodeEntityState(id, state),
    output: undefined,
    customStatus: toEntityStatus(state),
  };
}

/** The custom status that the real host gives an entity's row. */
export function toEntityStatus({ exists }: EntityState): string {
  return JSON.stringify({ entityExists: exists });
}

export function toParcels(held: readonly HeldMessage[]): EntityParcel[] {
  return held.map(({ seq, body }) => ({ seq, message: JSON.parse(body) as EntityMessage }));
}
