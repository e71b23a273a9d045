import type { Broker, QueueView, SubscriptionView, TopicView } from '../broker/broker';
import { AdminError } from './admin-error';
import { addressOf, type Place } from './admin-path';
import { type AtomEntry, toTime } from './atom';
import { describeQueue, describeSubscription, describeTopic, type DescriptionContext } from './entity-descriptions';
import { describeRule } from './rule-description';

const NAMESPACE = 'sbemulatorns';

/** The namespace's entities as entries of answers. */
export class Entries {
  readonly #broker: Broker;
  readonly #context: DescriptionContext;
  /** Scheme and host, as the client names them. */
  readonly #origin: string;

  constructor(broker: Broker, origin: string, context: DescriptionContext) {
    this.#broker = broker;
    this.#origin = origin;
    this.#context = context;
  }

  /** @throws AdminError 404 */
  get(place: Place): AtomEntry {
    const entry = this.#find(place);
    if (entry !== undefined) return entry;
    throw notFound(place);
  }

  /** By name, rules by age. @throws AdminError 404 when what they would belong to is not there */
  list(place: Place): readonly AtomEntry[] {
    switch (place.kind) {
      case 'queues':
        return byName(this.#broker.queues.map((queue) => this.#ofQueue(queue)));
      case 'topics':
        return byName(this.#broker.topics.map((topic) => this.#ofTopic(topic)));
      case 'subscriptions': {
        if (this.#broker.getTopic(place.topic) === undefined) throw notFound({ kind: 'entity', name: place.topic });
        return byName(this.#broker.subscriptions(place.topic).map((view) => this.#ofSubscription(view)));
      }
      case 'rules': {
        const view = this.#broker.getSubscription(place.topic, place.subscription);
        if (view === undefined) throw notFound({ ...place, kind: 'subscription' });
        return this.#rulesOf(view);
      }
      default:
        return [];
    }
  }

  namespace(startedAt: number): AtomEntry {
    return {
      ...this.#toEntry({ kind: 'namespace' }, NAMESPACE, { createdAt: startedAt, updatedAt: startedAt }),
      kind: 'NamespaceInfo',
      fields: {
        CreatedTime: toTime(startedAt),
        MessagingSKU: 'Standard',
        ModifiedTime: toTime(startedAt),
        Name: NAMESPACE,
        NamespaceType: 'Messaging',
      },
    };
  }

  #find(place: Place): AtomEntry | undefined {
    if (place.kind === 'entity') {
      const queue = this.#broker.getQueue(place.name);
      if (queue !== undefined) return this.#ofQueue(queue);
      const topic = this.#broker.getTopic(place.name);
      return topic && this.#ofTopic(topic);
    }
    if (place.kind !== 'subscription' && place.kind !== 'rule') return undefined;
    const view = this.#broker.getSubscription(place.topic, place.subscription);
    if (view === undefined || place.kind === 'subscription') return view && this.#ofSubscription(view);
    return this.#rulesOf(view).find(({ title }) => title.toLowerCase() === place.rule.toLowerCase());
  }

  #ofQueue(view: QueueView): AtomEntry {
    const place = { kind: 'entity', name: view.name } as const;
    const fields = describeQueue(view, this.#context);
    return { ...this.#toEntry(place, view.name, view), kind: 'QueueDescription', fields };
  }

  #ofTopic(view: TopicView): AtomEntry {
    const place = { kind: 'entity', name: view.name } as const;
    const fields = describeTopic(view, this.#context);
    return { ...this.#toEntry(place, view.name, view), kind: 'TopicDescription', fields };
  }

  #ofSubscription(view: SubscriptionView): AtomEntry {
    const place = { kind: 'subscription', topic: view.topic, subscription: view.name } as const;
    const fields = describeSubscription(view, this.#context);
    return { ...this.#toEntry(place, view.name, view), kind: 'SubscriptionDescription', fields };
  }

  #rulesOf({ topic, name, rules }: SubscriptionView): readonly AtomEntry[] {
    return rules.map((rule) => ({
      ...this.#toEntry({ kind: 'rule', topic, subscription: name, rule: rule.name }, rule.name, {
        createdAt: rule.createdAt,
        updatedAt: rule.createdAt,
      }),
      kind: 'RuleDescription',
      fields: describeRule(rule),
    }));
  }

  #toEntry(place: Place, title: string, { createdAt, updatedAt }: { createdAt: number; updatedAt: number }) {
    return { url: `${this.#origin}/${encodeURI(addressOf(place))}`, title, createdAt, updatedAt };
  }
}

function byName(entries: readonly AtomEntry[]): readonly AtomEntry[] {
  return entries
    .map((entry) => ({ entry, key: entry.title.toLowerCase() }))
    .sort((one, other) => (one.key < other.key ? -1 : 1))
    .map(({ entry }) => entry);
}

function notFound(place: Place): AdminError {
  return new AdminError(404, `The messaging entity "${addressOf(place)}" being requested cannot be found.`, 40400);
}
