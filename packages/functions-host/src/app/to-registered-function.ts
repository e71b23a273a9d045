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

/** Kinds of Azure Functions bindings that exist and are not in this host yet; their message says so instead of "unknown". */
const notThereYet = new Set([
  'queue',
  'queueTrigger',
  'serviceBus',
  'serviceBusTrigger',
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
  'warmupTrigger',
  'webPubSub',
  'webPubSubTrigger',
  'signalR',
  'kafka',
  'kafkaTrigger',
  'mcpToolTrigger',
  'mcpPromptTrigger',
  'mcpResourceTrigger',
]);

/**
 * What the app registered, checked and with `%SETTING%` in its bindings replaced.
 * @param resolve replaces `%SETTING%` in a text; throws an Error that names a missing setting.
 * @throws StartError listing every problem of every function.
 */
export function toRegisteredFunctions(
  registered: readonly { readonly metadata: FunctionMetadata; readonly callback: FunctionCallback }[],
  resolve: (text: string) => string,
  supported: SupportedBindings,
): RegisteredFunction[] {
  const problems: string[] = [];
  const names = new Map<string, string>();
  const functions = registered.map(({ metadata, callback }) => {
    const earlier = names.get(metadata.name.toLowerCase());
    if (earlier !== undefined) {
      problems.push(
        `Function '${metadata.name}' is registered twice${earlier === metadata.name ? '' : ` (also as '${earlier}'; names are compared without case)`}.`,
      );
    }
    names.set(metadata.name.toLowerCase(), metadata.name);
    return toRegisteredFunction(metadata, callback, resolve, supported, problems);
  });
  if (problems.length > 0) throw new StartError(problems.join('\n'));
  return functions.filter((fn) => fn !== undefined);
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
    const binding = raw as BindingMetadata;
    const problem = findBindingProblem(metadata.name, binding, supported);
    if (problem !== undefined) problems.push(problem);
    try {
      bindings[key] = resolveSettings(binding, resolve);
    } catch (error) {
      problems.push(
        `Function '${metadata.name}', binding '${binding.name}' (${binding.type}): ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }
  const trigger = Object.values(bindings).find((binding) => /trigger$/i.test(binding.type));
  if (trigger === undefined) {
    if (problems.length === 0) problems.push(`Function '${metadata.name}' has no trigger binding.`);
    return undefined;
  }
  const retry = metadata.retryOptions as RetryMetadata | undefined;
  return { name: metadata.name, trigger, bindings, callback, ...(retry === undefined ? undefined : { retry }) };
}

function findBindingProblem(name: string, binding: BindingMetadata, supported: SupportedBindings): string | undefined {
  const isTrigger = /trigger$/i.test(binding.type);
  const known = isTrigger ? supported.triggers : binding.direction === 'in' ? supported.inputs : supported.outputs;
  if (known.has(binding.type)) return undefined;
  const kind = isTrigger ? 'trigger' : binding.direction === 'in' ? 'input' : 'output';
  const why = notThereYet.has(binding.type) ? 'is not there yet in this host' : 'is unknown';
  return (
    `Function '${name}', binding '${binding.name}': ${kind} type '${binding.type}' ${why}. ` +
    `Supported ${kind}s: ${[...known].join(', ')}.`
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
