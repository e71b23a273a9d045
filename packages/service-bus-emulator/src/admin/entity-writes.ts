import type { Broker } from '../broker/broker';
import { queueDefaults, subscriptionDefaults, topicDefaults } from '../broker/entities';
import { AdminError } from './admin-error';
import { addressOf, type Place } from './admin-path';
import { childrenOf, type Description, textOf } from './atom';
import { type DescriptionContext, refuseUnsupported, unknownElements } from './entity-descriptions';
import { Fields } from './fields';
import { queueFields, readOptions, subscriptionFields, topicFields } from './option-fields';
import { readRule } from './rule-description';

export interface WriteContext extends DescriptionContext {
  readonly broker: Broker;
  /** Told of elements that mean nothing here. */
  onUnknown(element: string): void;
}

/** Makes what a description says, or with `isUpdate` changes what is there. @throws AdminError, BrokerError */
export function writeEntity(place: Place, description: Description, isUpdate: boolean, context: WriteContext): void {
  const { broker } = context;
  switch (place.kind) {
    case 'rule': {
      expectKind(description, place, 'RuleDescription');
      const rule = readRule(place.rule, description.fields);
      if (isUpdate) broker.updateRule(place.topic, place.subscription, rule);
      else broker.createRule(place.topic, place.subscription, rule);
      return;
    }
    case 'subscription':
      expectKind(description, place, 'SubscriptionDescription');
      writeSubscription(place.topic, place.subscription, description, isUpdate, context);
      return;
    case 'entity':
      expectKind(description, place, 'QueueDescription', 'TopicDescription');
      if (description.kind === 'QueueDescription') writeQueue(place.name, description, isUpdate, context);
      else writeTopic(place.name, description, isUpdate, context);
      return;
    default:
      throw new AdminError(405, `${addressOf(place)}: expected GET, got PUT.`);
  }
}

function writeQueue(name: string, description: Description, isUpdate: boolean, context: WriteContext): void {
  const options = readOptions(queueFields, checkedFields(description, queueFields, context), context);
  if (isUpdate) context.broker.updateQueue(name, { ...changeable(queueDefaults), ...options });
  else context.broker.createQueue(name, options);
}

function writeTopic(name: string, description: Description, isUpdate: boolean, context: WriteContext): void {
  const options = readOptions(topicFields, checkedFields(description, topicFields, context), context);
  if (isUpdate) context.broker.updateTopic(name, { ...changeable(topicDefaults), ...options });
  else context.broker.createTopic(name, options);
}

function writeSubscription(
  topic: string,
  name: string,
  description: Description,
  isUpdate: boolean,
  context: WriteContext,
): void {
  const fields = checkedFields(description, subscriptionFields, context);
  const options = readOptions(subscriptionFields, fields, context);
  if (isUpdate) {
    context.broker.updateSubscription(topic, name, { ...changeable(subscriptionDefaults), ...options });
    return;
  }
  const rule = fields.child('DefaultRuleDescription');
  const where = 'SubscriptionDescription/DefaultRuleDescription';
  const rules = rule && [readRule(textOf(childrenOf(rule)['Name']) ?? '$Default', rule, where)];
  context.broker.createSubscription(topic, { name, options, ...(rules && { rules }) });
}

type ElementTable = Readonly<Record<string, { readonly element: string }>>;

function checkedFields(description: Description, table: ElementTable, context: WriteContext): Fields {
  const fields = new Fields(description);
  refuseUnsupported(fields, context);
  for (const name of unknownElements(fields, table)) context.onUnknown(`${description.kind}/${name}`);
  return fields;
}

/** What an update that says nothing of an option sets it to. What is fixed at creation is not among them. */
function changeable<O extends object>(defaults: O): Partial<O> {
  const fixed = ['requiresSession', 'requiresDuplicateDetection', 'enablePartitioning'];
  return Object.fromEntries(Object.entries(defaults).filter(([option]) => !fixed.includes(option))) as Partial<O>;
}

function expectKind(description: Description, place: Place, ...kinds: readonly string[]): void {
  if (kinds.includes(description.kind)) return;
  throw new AdminError(400, `${addressOf(place)}: expected a ${kinds.join(' or ')}, got a ${description.kind}.`, 40000);
}
