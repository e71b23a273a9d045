import type { BindingMetadata, RegisteredFunction } from './registered-function';
import type { TypedData } from './typed-data';

/** Values that `{name}` in a binding's path stands for: trigger metadata, route parameters, fields of a JSON body. */
export type BindingData = Readonly<Record<string, unknown>>;

/** Reads one input binding for one invocation; undefined when there is nothing (a blob that is not there). */
export type ReadInput = (data: BindingData) => TypedData | undefined | Promise<TypedData | undefined>;

/** Writes what a function put into one output binding. */
export type WriteOutput = (value: TypedData, data: BindingData) => Promise<void>;

/** Makes a reader or writer for a binding once, when the app is loaded. */
export interface BindingKinds {
  readonly inputs: Readonly<Record<string, (binding: BindingMetadata) => ReadInput>>;
  readonly outputs: Readonly<Record<string, (binding: BindingMetadata) => WriteOutput>>;
}

/** A loaded function with all that an invocation needs, looked up once. */
export interface FunctionRuntime {
  readonly fn: RegisteredFunction;
  /** As it shows in the log: `Functions.placeOrder`. */
  readonly displayName: string;
  /** host.json category of the host's lines about it. */
  readonly category: string;
  /** host.json category of its own lines. */
  readonly userCategory: string;
  /** `context.options`, as the library makes it from the bindings. */
  readonly contextOptions: unknown;
  readonly inputs: readonly { readonly name: string; readonly read: ReadInput }[];
  readonly outputs: ReadonlyMap<string, WriteOutput>;
}

/** Output bindings that the trigger takes itself: an http answer is part of the response. */
const answeredByTrigger = new Set(['http']);

/** Looks up readers and writers of all bindings of `fn`; `kinds` must know every type used (see `checkBindings`). */
export function toFunctionRuntime(
  fn: RegisteredFunction,
  contextOptions: unknown,
  kinds: BindingKinds,
): FunctionRuntime {
  const inputs: { name: string; read: ReadInput }[] = [];
  const outputs = new Map<string, WriteOutput>();
  for (const [name, binding] of Object.entries(fn.bindings)) {
    if (binding === fn.trigger) continue;
    if (binding.direction === 'in') {
      const toReader = kinds.inputs[binding.type];
      if (toReader === undefined) throw new Error(`No reader for input binding type '${binding.type}'.`);
      inputs.push({ name, read: toReader(binding) });
    } else if (!answeredByTrigger.has(binding.type)) {
      const toWriter = kinds.outputs[binding.type];
      if (toWriter === undefined) throw new Error(`No writer for output binding type '${binding.type}'.`);
      outputs.set(name, toWriter(binding));
    }
  }
  return {
    fn,
    displayName: `Functions.${fn.name}`,
    category: `Function.${fn.name}`,
    userCategory: `Function.${fn.name}.User`,
    contextOptions,
    inputs,
    outputs,
  };
}
