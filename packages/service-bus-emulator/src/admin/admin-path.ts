import { AdminError } from './admin-error';

/** What a path of the administration API stands for. */
export type Place =
  | { readonly kind: 'namespace' }
  | { readonly kind: 'queues' }
  | { readonly kind: 'topics' }
  /** A queue or a topic: they share their names. */
  | { readonly kind: 'entity'; readonly name: string }
  | { readonly kind: 'subscriptions'; readonly topic: string }
  | { readonly kind: 'subscription'; readonly topic: string; readonly subscription: string }
  | { readonly kind: 'rules'; readonly topic: string; readonly subscription: string }
  | { readonly kind: 'rule'; readonly topic: string; readonly subscription: string; readonly rule: string };

const BELOW_TOPIC = /^(.+?)\/subscriptions(?:\/([^/]+)(?:\/(rules)(?:\/([^/]+))?)?)?$/i;

/** Reads a path (`/orders`, `/t/Subscriptions/s/Rules`), encoded as in a URL. @throws AdminError 400 */
export function placeOf(path: string): Place {
  const address = decode(path.replace(/^\/+|\/+$/g, ''));
  switch (address.toLowerCase()) {
    case '':
      throw new AdminError(400, 'Expected the path of an entity, got none.', 40000);
    case '$namespaceinfo':
      return { kind: 'namespace' };
    case '$resources/queues':
      return { kind: 'queues' };
    case '$resources/topics':
      return { kind: 'topics' };
  }
  const match = BELOW_TOPIC.exec(address);
  if (match === null) return { kind: 'entity', name: address };
  const [, topic = '', subscription, rules, rule] = match;
  if (subscription === undefined) return { kind: 'subscriptions', topic };
  if (rules === undefined) return { kind: 'subscription', topic, subscription };
  return rule === undefined ? { kind: 'rules', topic, subscription } : { kind: 'rule', topic, subscription, rule };
}

/** The path as it is written in answers: clients find the names in it by these spellings. */
export function addressOf(place: Place): string {
  switch (place.kind) {
    case 'namespace':
      return '$namespaceinfo';
    case 'queues':
      return '$Resources/Queues';
    case 'topics':
      return '$Resources/Topics';
    case 'entity':
      return place.name;
    case 'subscriptions':
      return `${place.topic}/Subscriptions`;
    case 'subscription':
      return `${place.topic}/Subscriptions/${place.subscription}`;
    case 'rules':
      return `${place.topic}/Subscriptions/${place.subscription}/Rules`;
    case 'rule':
      return `${place.topic}/Subscriptions/${place.subscription}/Rules/${place.rule}`;
  }
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw new AdminError(400, `Expected an encoded path, got ${JSON.stringify(path)}.`, 40000);
  }
}
