/*
 * What entities say of each other: that those they forward to exist, that nothing goes round in a circle, that what
 * forwards has no sessions.
 */
import type { Namespace } from '../broker/entities';
import type { Section } from './section';

/** A queue or subscription that may forward, with its section of the file. */
export interface Forwarder {
  /** As its address has it: `queue`, `topic/Subscriptions/name`. */
  readonly address: string;
  readonly forwardTo: string | undefined;
  readonly forwardDeadLetteredMessagesTo: string | undefined;
  readonly requiresSession: boolean;
  readonly properties: Section;
}

/** Adds an error for each forwarding that cannot be. */
export function checkForwarding(namespace: Namespace, forwarders: readonly Forwarder[]): void {
  const entities = [...namespace.queues, ...namespace.topics].map(({ name }) => name);
  const known = new Set(entities.map((name) => name.toLowerCase()));
  for (const { address, forwardTo, forwardDeadLetteredMessagesTo, requiresSession, properties } of forwarders) {
    for (const [key, target] of Object.entries({
      ForwardTo: forwardTo,
      ForwardDeadLetteredMessagesTo: forwardDeadLetteredMessagesTo,
    })) {
      if (target === undefined) continue;
      if (!known.has(target.toLowerCase())) {
        const names = entities.length > 0 ? entities.join(', ') : 'there is none';
        properties.error(key, `expected the name of a queue or topic (${names}), got "${target}".`);
      } else if (target.toLowerCase() === address.toLowerCase()) {
        properties.error(key, 'expected another queue or topic, got the queue itself.');
      }
    }
    if (forwardTo !== undefined && requiresSession) {
      properties.error('ForwardTo', 'what has RequiresSession cannot forward its messages.');
    }
  }
  checkCircles(namespace, forwarders);
}

function checkCircles(namespace: Namespace, forwarders: readonly Forwarder[]): void {
  const edges = new Map<string, string[]>();
  const add = (from: string, to: string): void => {
    edges.set(from.toLowerCase(), [...(edges.get(from.toLowerCase()) ?? []), to.toLowerCase()]);
  };
  for (const topic of namespace.topics) {
    for (const { name } of topic.subscriptions) add(topic.name, `${topic.name}/Subscriptions/${name}`);
  }
  for (const { address, forwardTo } of forwarders) {
    if (forwardTo !== undefined) add(address, forwardTo);
  }
  for (const { address, forwardTo, properties } of forwarders) {
    if (forwardTo === undefined || forwardTo.toLowerCase() === address.toLowerCase()) continue;
    const way = wayTo(edges, forwardTo.toLowerCase(), address.toLowerCase());
    if (way) properties.error('ForwardTo', `goes round in a circle: ${[address, ...way].join(' -> ')}.`);
  }
}

/** The steps from one entity to another; undefined when there is no way. */
function wayTo(edges: ReadonlyMap<string, readonly string[]>, from: string, to: string): string[] | undefined {
  const ways: string[][] = [[from]];
  const seen = new Set([from]);
  for (const way of ways) {
    const last = way[way.length - 1] ?? from;
    if (last === to) return way;
    for (const next of edges.get(last) ?? []) {
      if (seen.has(next)) continue;
      seen.add(next);
      ways.push([...way, next]);
    }
  }
  return undefined;
}
