import type { ChangeableSystemProperty, RuleMessage, RuleValue } from './rule-message';
import type { Property, SystemProperty } from './syntax';

/** Every system property that a rule may name, and whether an action may change it. */
const systemProperties: Readonly<Record<SystemProperty, boolean>> = {
  ContentType: true,
  CorrelationId: true,
  DeadLetterSource: false,
  DeliveryCount: false,
  EnqueuedSequenceNumber: false,
  EnqueuedTimeUtc: false,
  ExpiresAtUtc: false,
  Label: true,
  MessageId: true,
  PartitionKey: true,
  ReplyTo: true,
  ReplyToSessionId: true,
  ScheduledEnqueueTimeUtc: true,
  SequenceNumber: false,
  SessionId: true,
  Size: false,
  TimeToLive: true,
  To: true,
  ViaPartitionKey: true,
};

export const systemPropertyNames = Object.keys(systemProperties) as readonly SystemProperty[];

const systemByLowerCase = new Map(systemPropertyNames.map((name) => [name.toLowerCase(), name]));

export const findSystemProperty = (name: string): SystemProperty | undefined =>
  systemByLowerCase.get(name.toLowerCase());

export const isChangeable = (name: SystemProperty): name is ChangeableSystemProperty => systemProperties[name];

/** The name of an application property as the message has it: an exact match first, then one without regard to case. */
export function findApplicationProperty(
  application: RuleMessage['application'],
  name: string,
  lowerCase = name.toLowerCase(),
): string | undefined {
  if (Object.hasOwn(application, name)) return name;
  for (const candidate in application) {
    if (candidate.length === name.length && candidate.toLowerCase() === lowerCase) return candidate;
  }
  return undefined;
}

/** Reads a property: undefined when an application property is not there, null when it (or a system property) has no value. */
export function readerOf(property: Property): (message: RuleMessage) => RuleValue | undefined {
  const { name } = property;
  if (property.scope === 'system') {
    const key = property.name;
    return (message) => message.system[key] ?? null;
  }
  const lowerCase = name.toLowerCase();
  return (message) => readApplicationProperty(message, name, lowerCase);
}

export function readApplicationProperty(
  message: RuleMessage,
  name: string,
  lowerCase = name.toLowerCase(),
): RuleValue | undefined {
  const found = findApplicationProperty(message.application, name, lowerCase);
  return found === undefined ? undefined : ((message.application[found] ?? null) as RuleValue);
}
