const poisonSuffix = '-poison';
const valid = /^[a-z0-9](?:-?[a-z0-9])*$/;

/**
 * A queue's name as storage takes it: lower-cased, as the real host does.
 * @throws Error saying what a name must be like, and what came.
 */
export function toQueueName(name: string): string {
  const lowerCased = name.toLowerCase();
  if (isValid(lowerCased)) return lowerCased;
  throw new Error(
    `'${name}' is no name of a storage queue: 3 to 63 letters, digits and single hyphens, none of them at an end.`,
  );
}

/** Where messages go that fail for good; a poison queue itself has none, nor has a queue whose name leaves no room. */
export function toPoisonQueueName(queueName: string): string | undefined {
  const name = `${queueName}${poisonSuffix}`;
  return queueName.endsWith(poisonSuffix) || !isValid(name) ? undefined : name;
}

function isValid(name: string): boolean {
  return name.length >= 3 && name.length <= 63 && valid.test(name);
}
