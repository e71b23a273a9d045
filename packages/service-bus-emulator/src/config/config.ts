/*
 * The official emulator's Config.json. Its keys, defaults and rules are taken as they are, and all that is wrong is said
 * at once, each with line and path. Where the official emulator allows less than Azure (durations, numbers, names), this
 * one takes what Azure takes and warns; unknown keys it passes over, as the official one does, with a warning.
 */
import { readFile } from 'node:fs/promises';
import { type Node, parseTree, type ParseError, getNodeValue, printParseErrorCode } from 'jsonc-parser';
import type { Namespace, SubscriptionDeclaration } from '../broker/entities';
import { EmulatorError } from '../emulator-error';
import { readQueueOptions, readSubscriptionOptions, readTopicOptions } from './entity-sections';
import { came, Findings, lineOf } from './findings';
import { checkForwarding, type Forwarder } from './forwarding';
import { readRule } from './rule-section';
import { Section } from './section';

/** The most queues and topics together, subscriptions of a topic, and rules of a subscription that the official emulator takes. */
const OFFICIAL_ENTITIES = 50;
const OFFICIAL_RULES = 1000;
const LONGEST_NAME = 260;
const LONGEST_SUBSCRIPTION = 50;

/**
 * Reads a Config.json. Throws one EmulatorError that lists all that is wrong: what was expected, what came, line and
 * path. `warn` is told of what is taken although the official emulator would not.
 */
export async function readConfig(file: string, warn: (message: string) => void = () => undefined): Promise<Namespace> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new EmulatorError(`${file} cannot be read: ${(error as NodeJS.ErrnoException).message}.`);
  }
  return parseConfig(text, file, warn);
}

/** As readConfig, of a text; `file` is what messages call it. */
export function parseConfig(text: string, file: string, warn: (message: string) => void = () => undefined): Namespace {
  const root = parse(text, file);
  const findings = new Findings(text, root);
  const namespace = readRoot(getNodeValue(root), findings);
  for (const warning of findings.warnings) warn(`${file}, ${warning}`);
  if (findings.errors.length > 0) {
    throw new EmulatorError([`${file} is not a configuration:`, ...findings.errors].join('\n  '));
  }
  return namespace;
}

function parse(text: string, file: string): Node {
  const errors: ParseError[] = [];
  const root = parseTree(text.replace(/^\uFEFF/, ' '), errors, { allowTrailingComma: true });
  if (root && errors.length === 0) return root;
  const told = errors.map(({ error, offset }) => `line ${lineOf(text, offset)}: ${printParseErrorCode(error)}.`);
  throw new EmulatorError([`${file} is no JSON (with comments):`, ...told].join('\n  '));
}

function readRoot(value: unknown, findings: Findings): Namespace {
  const none: Namespace = { queues: [], topics: [] };
  const root = Section.of([], value, findings);
  root?.know('$schema', 'UserConfig');
  const user = root?.required('UserConfig');
  if (!user) return none;
  user.know('Namespaces', 'Logging');
  readLogging(user.section('Logging'));
  const namespaces = user.list('Namespaces');
  const [namespace] = namespaces;
  if (namespace && namespaces.length === 1) return readNamespace(namespace);
  const given = user.value('Namespaces');
  if (given === undefined || Array.isArray(given)) {
    user.error(
      'Namespaces',
      `expected a list of one namespace, got ${given === undefined ? 'nothing' : given.length}.`,
    );
  }
  return none;
}

function readLogging(logging: Section | undefined): void {
  logging?.know('Type');
  const types = ['File', 'Console', 'File,Console', 'Console,File'];
  const type = logging?.text('Type');
  if (type === undefined || types.includes(type)) return;
  logging?.error('Type', `expected one of ${types.map((name) => came(name)).join(', ')}, got ${came(type)}.`);
}

function readNamespace(section: Section): Namespace {
  section.know('Name', 'Queues', 'Topics');
  const name = section.requiredText('Name');
  if (name !== undefined && name !== 'sbemulatorns') {
    section.warn(
      'Name',
      `the official emulator calls its namespace "sbemulatorns" whatever stands here, got ${came(name)}.`,
    );
  }
  const forwarders: Forwarder[] = [];
  const queues = section.list('Queues');
  const topics = section.list('Topics');
  if (queues.length + topics.length > OFFICIAL_ENTITIES) {
    section.warn(
      'Queues',
      `the official emulator takes ${OFFICIAL_ENTITIES} queues and topics, got ${queues.length + topics.length}.`,
    );
  }
  checkNames([...queues, ...topics], 'queue or topic');
  const namespace: Namespace = {
    queues: queues.flatMap((queue) => readQueue(queue, forwarders) ?? []),
    topics: topics.flatMap((topic) => readTopic(topic, forwarders) ?? []),
  };
  checkForwarding(namespace, forwarders);
  return namespace;
}

function readQueue(section: Section, forwarders: Forwarder[]): Namespace['queues'][number] | undefined {
  section.know('Name', 'Properties');
  const name = section.name(LONGEST_NAME);
  const properties = section.section('Properties');
  const options = readQueueOptions(properties);
  if (name === undefined) return undefined;
  if (properties) forwarders.push(toForwarder(name, options, properties));
  return { name, options };
}

function readTopic(section: Section, forwarders: Forwarder[]): Namespace['topics'][number] | undefined {
  section.know('Name', 'Properties', 'Subscriptions');
  const name = section.name(LONGEST_NAME);
  const options = readTopicOptions(section.section('Properties'));
  const subscriptions = section.list('Subscriptions');
  checkNames(subscriptions, 'subscription of this topic');
  if (subscriptions.length === 0 || subscriptions.length > OFFICIAL_ENTITIES) {
    section.warn(
      'Subscriptions',
      `the official emulator takes 1 to ${OFFICIAL_ENTITIES}, got ${subscriptions.length}.`,
    );
  }
  const read = subscriptions.flatMap((subscription) => readSubscription(subscription, name ?? '', forwarders) ?? []);
  return name === undefined ? undefined : { name, options, subscriptions: read };
}

function readSubscription(
  section: Section,
  topic: string,
  forwarders: Forwarder[],
): SubscriptionDeclaration | undefined {
  section.know('Name', 'Properties', 'Rules');
  const name = section.name(LONGEST_SUBSCRIPTION);
  const properties = section.section('Properties');
  const options = readSubscriptionOptions(properties);
  const rules = section.list('Rules');
  checkNames(rules, 'rule of this subscription');
  if (rules.length > OFFICIAL_RULES) {
    section.warn('Rules', `the official emulator takes at most ${OFFICIAL_RULES}, got ${rules.length}.`);
  }
  const read = rules.flatMap((rule) => readRule(rule) ?? []);
  if (name === undefined) return undefined;
  if (properties) forwarders.push(toForwarder(`${topic}/Subscriptions/${name}`, options, properties));
  return { name, options, rules: read };
}

function toForwarder(
  address: string,
  options: Partial<Pick<Forwarder, 'forwardTo' | 'forwardDeadLetteredMessagesTo' | 'requiresSession'>>,
  properties: Section,
): Forwarder {
  const { forwardTo, forwardDeadLetteredMessagesTo, requiresSession = false } = options;
  return { address, forwardTo, forwardDeadLetteredMessagesTo, requiresSession, properties };
}

/** Names are compared without case. */
function checkNames(sections: readonly Section[], of: string): void {
  const seen = new Map<string, string>();
  for (const section of sections) {
    const name = section.value('Name');
    if (typeof name !== 'string') continue;
    const first = seen.get(name.toLowerCase());
    if (first === undefined) seen.set(name.toLowerCase(), name);
    else section.error('Name', `expected a name that no other ${of} has, got "${name}" (there is "${first}").`);
  }
}
