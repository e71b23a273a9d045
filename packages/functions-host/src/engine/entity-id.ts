import { findTextFault } from './instance-id';

/** The longest entity id that Azure's storage takes as a partition key. */
const LONGEST_ID = 256;

export interface EntityName {
  /** Lower-case: names of entities are told apart without regard to case. */
  readonly name: string;
  readonly key: string;
}

/** The instance id of an entity: `@name@key`. */
export function toEntityId(name: string, key: string): string {
  return `@${name.toLowerCase()}@${key}`;
}

/** Takes an entity's instance id apart. A key may contain '@', a name may not. */
export function toEntityName(id: string): EntityName {
  const end = id.indexOf('@', 1);
  if (!id.startsWith('@') || end < 0) throw new Error(`Expected an entity id like '@name@key', got '${id}'.`);
  return { name: id.slice(1, end), key: id.slice(end + 1) };
}

/** What is wrong with an entity's instance id, or undefined when it can be used. */
export function findEntityIdFault(id: string): string | undefined {
  if (!/^@[^@]+@/.test(id)) return `Expected an entity id like '@name@key', got '${id}'.`;
  if (id.length > LONGEST_ID) return `Expected an entity id of at most ${LONGEST_ID} characters, got ${id.length}.`;
  return findTextFault('an entity id', id);
}
