/*
 * Invocation contexts at a third of their cost.
 *
 * The library's classes keep their private fields in WeakMaps, three entries for each context, and a collector that has
 * to follow those for every call is what a busy host spends much of its time in. A lean context has the same public
 * properties and methods, is an instance of the library's class, and keeps its one private thing under a symbol. It is
 * made only if the library's class has exactly the members that are expected here.
 */
import type { InvocationContext, InvocationContextClass } from './programming-model';

type Init = ConstructorParameters<InvocationContextClass>[0];

const methods = ['log', 'trace', 'debug', 'info', 'warn', 'error'];
const properties = [
  ...['invocationId', 'functionName', 'extraInputs', 'extraOutputs'],
  ...['retryContext', 'traceContext', 'triggerMetadata', 'options'],
];

/** A class that can take the place of the library's own, or that one itself if it isn't the expected one. */
export function toLeanContextClass(base: InvocationContextClass): InvocationContextClass {
  if (!hasMembers(base.prototype as object, ['constructor', ...methods])) return base;
  const probe = new base({ invocationId: 'probe', functionName: 'probe', logHandler: () => undefined });
  if (!hasMembers(probe, properties)) return base;
  // A class of its own, since it becomes an heir of this base.
  class Lean extends LeanContext {}
  Object.setPrototypeOf(LeanContext.prototype, base.prototype as object);
  Object.defineProperty(Lean, 'name', { value: base.name });
  return Lean;
}

/** True if `object` itself has these members and no others. */
export function hasMembers(object: object, names: readonly string[]): boolean {
  const own = Object.getOwnPropertyNames(object);
  return own.length === names.length && names.every((name) => own.includes(name));
}

const logHandler = Symbol('logHandler');

/** Inputs or outputs by name, or by the binding that has it. */
class Values {
  readonly values: Record<string, unknown> = {};

  get(key: string | { readonly name: string }): unknown {
    return this.values[typeof key === 'string' ? key : key.name];
  }

  set(key: string | { readonly name: string }, value: unknown): void {
    this.values[typeof key === 'string' ? key : key.name] = value;
  }
}

class LeanContext implements InvocationContext {
  readonly invocationId: string;
  readonly functionName: string;
  readonly extraInputs = new Values();
  readonly extraOutputs = new Values();
  readonly retryContext: unknown = undefined;
  readonly traceContext: unknown;
  readonly triggerMetadata: unknown;
  readonly options: unknown;
  readonly [logHandler]: Init['logHandler'];

  constructor(init: Init) {
    this.invocationId = init.invocationId;
    this.functionName = init.functionName;
    this.traceContext = init.traceContext;
    this.triggerMetadata = init.triggerMetadata;
    this.options = { ...(init.options as object) };
    this[logHandler] = init.logHandler;
  }

  log(...args: unknown[]): void {
    this[logHandler]('information', ...args);
  }

  trace(...args: unknown[]): void {
    this[logHandler]('trace', ...args);
  }

  debug(...args: unknown[]): void {
    this[logHandler]('debug', ...args);
  }

  info(...args: unknown[]): void {
    this[logHandler]('information', ...args);
  }

  warn(...args: unknown[]): void {
    this[logHandler]('warning', ...args);
  }

  error(...args: unknown[]): void {
    this[logHandler]('error', ...args);
  }
}
