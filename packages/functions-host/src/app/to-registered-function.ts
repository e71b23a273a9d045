import { StartError } from '../host/start-error';
import type { FunctionMetadata } from './functions-core';
import type { FunctionCallback } from './programming-model';
import type { BindingMetadata, RegisteredFunction, RetryMetadata } from './registered-function';

/** Binding types that this host runs, by where they stand. */
export interface SupportedBindings {
  readonly triggers: ReadonlySet<string>;
  readonly inputs: ReadonlySet<string>;
  readonly outputs: ReadonlySet<string>;
}

/** Kinds of Azure Functions bindings that exist and are not in this host; their message says so instead of "unknown". */
const notInThisHost = new Set([
  'eventGrid',
  'eventGridTrigger',
  'eventHub',
  'eventHubTrigger',
  'cosmosDB',
  'cosmosDBTrigger',
  'sql',
  'sqlTrigger',
  'mysql',
  'mysqlTrigger',
  'table',
  'webPubSub',
  'webPubSubTrigger',
  'signalR',
  'kafka',
  'kafkaTrigger',
  'mcpToolTrigger',
  'mcpPromptTrigger',
  'mcpResourceTrigger',
]);

/** Triggers whose functions are replayed. */
const replayed = new Set(['orchestrationTrigger', 'entityTrigger']);

/** Why one function can't run; the others do, as on Azure. */
export interface FunctionError {
  readonly functionName: string;
  readonly message: string;
}

/** What of an app can be run. */
export interface CheckedFunctions {
  readonly functions: readonly RegisteredFunction[];
  readonly errors: readonly FunctionError[];
}

/**
 * What the app registered, checked and with `%SETTING%` in its bindings replaced. Binding types are matched without case.
 * @param resolve replaces `%SETTING%` in a text; throws an Error that names a missing setting.
 * @throws StartError if two functions have the same name.
 */
export function toRegisteredFunctions(
  registered: readonly { readonly metadata: FunctionMetadata; readonly callback: FunctionCallback }[],
  resolve: (text: string) => string,
  supported: SupportedBindings,
): CheckedFunctions {
  refuseSameNames(registered.map(({ metadata }) => metadata.name));
  const functions: RegisteredFunction[] = [];
  const errors: FunctionError[] = [];
  for (const { metadata, callback } of registered) {
    const problems: string[] = [];
    const fn = toRegisteredFunction(metadata, callback, resolve, supported, problems);
    if (fn !== undefined && problems.length === 0) functions.push(fn);
    errors.push(...problems.map((message) => ({ functionName: metadata.name, message })));
  }
  return { functions, errors };
}

function refuseSameNames(names: readonly string[]): void {
  const seen = new Map<string, string>();
  const problems: string[] = [];
  for (const name of names) {
    const earlier = seen.get(name.toLowerCase());
    if (earlier !== undefined) {
      problems.push(
        `Function '${name}' is registered twice${earlier === name ? '' : ` (also as '${earlier}'; names are compared without case)`}.`,
      );
    }
    seen.set(name.toLowerCase(), name);
  }
  if (problems.length > 0) throw new StartError(problems.join('\n'));
}

function toRegisteredFunction(
  metadata: FunctionMetadata,
  callback: FunctionCallback,
  resolve: (text: string) => string,
  supported: SupportedBindings,
  problems: string[],
): RegisteredFunction | undefined {
  const bindings: Record<string, BindingMetadata> = {};
  for (const [key, raw] of Object.entries(metadata.bindings)) {
    const given = raw as BindingMetadata;
    const type = findType(given, supported);
    const binding = type === undefined ? given : { ...given, type };
    if (type === undefined) problems.push(describeUnsupported(binding, supported));
    try {
      bindings[key] = resolveSettings(binding, resolve);
    } catch (error) {
      problems.push(
        `binding '${binding.name}' (${binding.type}): ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }
  const trigger = Object.values(bindings).find(isTrigger);
  if (trigger === undefined) {
    if (problems.length === 0) problems.push('it has no trigger binding.');
    return undefined;
  }
  const output = Object.values(bindings).find(({ direction }) => direction === 'out');
  if (output !== undefined && replayed.has(trigger.type)) {
    problems.push(
      `binding '${output.name}' (${output.type}): an ${trigger.type} can't have outputs, since its code runs again and again. Give the output to an activity.`,
    );
  }
  const retry = metadata.retryOptions as RetryMetadata | undefined;
  return { name: metadata.name, trigger, bindings, callback, ...(retry === undefined ? undefined : { retry }) };
}

function isTrigger({ type }: BindingMetadata): boolean {
  return /trigger$/i.test(type);
}

function typesFor(binding: BindingMetadata, supported: SupportedBindings): ReadonlySet<string> {
  if (isTrigger(binding)) return supported.triggers;
  return binding.direction === 'in' ? supported.inputs : supported.outputs;
}

/** The type as this host writes it; undefined if it has none such at this place. */
function findType(binding: BindingMetadata, supported: SupportedBindings): string | undefined {
  const types = typesFor(binding, supported);
  if (types.has(binding.type)) return binding.type;
  return [...types].find((type) => type.toLowerCase() === binding.type.toLowerCase());
}

function describeUnsupported(binding: BindingMetadata, supported: SupportedBindings): string {
  const kind = isTrigger(binding) ? 'trigger' : binding.direction === 'in' ? 'input' : 'output';
  const lowerCased = binding.type.toLowerCase();
  const isKnown = [...notInThisHost].some((type) => type.toLowerCase() === lowerCased);
  return (
    `binding '${binding.name}': ${kind} type '${binding.type}' ${isKnown ? 'is not in this host' : 'is unknown'}. ` +
    `Supported ${kind}s: ${[...typesFor(binding, supported)].join(', ')}.`
  );
}

/** Options that are names of the binding itself, never places. */
const verbatim = new Set(['type', 'name', 'direction']);

function resolveSettings(binding: BindingMetadata, resolve: (text: string) => string): BindingMetadata {
  const resolved: Record<string, unknown> = {};
  for (const [option, value] of Object.entries(binding)) {
    resolved[option] = typeof value === 'string' && !verbatim.has(option) ? resolve(value) : value;
  }
  return resolved as BindingMetadata;
}
