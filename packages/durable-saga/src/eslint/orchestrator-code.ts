import type { Rule, Scope, SourceCode } from 'eslint';

/*
 * Which code is replayed.
 *
 * A rule about orchestrators must find what runs in one, wherever it stands, and leave the rest of the file alone: an
 * activity may read the clock. So it starts from what makes an orchestrator: the generator that is given to `saga(...)`
 * or to `app.orchestration(...)` of durable-functions. All that is written inside of it is replayed, and so is every
 * function of the same file that such code refers to, and what those refer to. A parameter that is given the saga's
 * context, or is declared as a `SagaContext`, is a context too.
 *
 * Functions of other files are not followed: name the folder of the sagas in the configuration, so that a file is linted
 * when it declares a `SagaContext` parameter.
 */

export type Node = Rule.Node;
export type NodeOf<Type extends Node['type']> = Extract<Node, { type: Type }>;
export type FunctionNode = NodeOf<'FunctionDeclaration' | 'FunctionExpression' | 'ArrowFunctionExpression'>;

/** `saga`: a body of this toolkit's; `durable`: a plain orchestrator of durable-functions. */
export type Kind = 'saga' | 'durable';

interface Replayed {
  readonly kind: Kind;
  /** The variables that hold the orchestrator's context. */
  readonly contexts: Set<Scope.Variable>;
}

/** What a saga's context makes; each takes effect behind `yield*` only. */
const OPERATIONS: ReadonlySet<string> = new Set([
  'step',
  'call',
  'pivot',
  'all',
  'allSettled',
  'map',
  'race',
  'child',
  'continueAs',
  'sleep',
  'waitFor',
  'fail',
]);

const known = new WeakMap<SourceCode, OrchestratorCode>();

/** The replayed code of one file. */
export class OrchestratorCode {
  readonly #source: SourceCode;
  readonly #functions = new Map<FunctionNode, Replayed>();

  static of({ sourceCode }: Rule.RuleContext): OrchestratorCode {
    const found = known.get(sourceCode) ?? new OrchestratorCode(sourceCode);
    known.set(sourceCode, found);
    return found;
  }

  private constructor(source: SourceCode) {
    this.#source = source;
    this.#walk(source.ast as unknown as Node, (node) => {
      if (node.type === 'CallExpression') this.#addRoot(node);
      else if (isFunction(node)) this.#addDeclaredContext(node);
    });
  }

  /** The kind of orchestrator that the node is part of; undefined where nothing is replayed. */
  kindAt(node: Node): Kind | undefined {
    return this.#replayedAt(node)?.kind;
  }

  /** What the context is called at the node, if it can be reached there under that name. */
  contextNameAt(node: Node): string | undefined {
    for (let at: Node | null = node; at !== null; at = parentOf(at)) {
      const replayed = isFunction(at) ? this.#functions.get(at) : undefined;
      for (const variable of replayed?.contexts ?? []) {
        if (this.#resolve(node, variable.name) === variable) return variable.name;
      }
    }
    return undefined;
  }

  /** `saga.step(...)` and the like: the operation's name. */
  operationOf(node: Node): string | undefined {
    if (node.type !== 'CallExpression' || node.callee.type !== 'MemberExpression') return undefined;
    const { object, property, computed } = node.callee;
    if (computed || property.type !== 'Identifier' || object.type !== 'Identifier') return undefined;
    if (!OPERATIONS.has(property.name)) return undefined;
    const variable = this.#resolve(node, object.name);
    if (variable === undefined) return undefined;
    for (const { kind, contexts } of this.#functions.values()) {
      if (kind === 'saga' && contexts.has(variable)) return property.name;
    }
    return undefined;
  }

  /** Whether the node calls a replayed generator function of this file. */
  isGeneratorCall(node: Node): boolean {
    if (node.type !== 'CallExpression' || node.callee.type !== 'Identifier') return false;
    const called = functionOf(this.#resolve(node, node.callee.name));
    return called?.generator === true && this.#functions.has(called);
  }

  /** `saga.step(...)`: what is called, in words. */
  describeCall(node: Node): string {
    return node.type === 'CallExpression' ? `${this.#source.getText(node.callee)}(...)` : this.#source.getText(node);
  }

  variableAt(node: Node, name: string): Scope.Variable | undefined {
    return this.#resolve(node, name);
  }

  #replayedAt(node: Node): Replayed | undefined {
    for (let at: Node | null = node; at !== null; at = parentOf(at)) {
      const replayed = isFunction(at) ? this.#functions.get(at) : undefined;
      if (replayed !== undefined) return replayed;
    }
    return undefined;
  }

  #addRoot(call: NodeOf<'CallExpression'>): void {
    const kind = this.#rootKind(call);
    if (kind === undefined) return;
    for (const argument of call.arguments) {
      for (const body of bodiesIn(argument as Node)) this.#add(body, kind, [0]);
    }
  }

  #rootKind({ callee }: NodeOf<'CallExpression'>): Kind | undefined {
    if (callee.type === 'Identifier') {
      const variable = this.#resolve(callee as Node, callee.name);
      return variable !== undefined && importedName(variable) === 'saga' ? 'saga' : undefined;
    }
    if (callee.type !== 'MemberExpression' || callee.property.type !== 'Identifier') return undefined;
    if (callee.property.name === 'orchestration') return 'durable';
    if (callee.property.name !== 'saga' || callee.object.type !== 'Identifier') return undefined;
    const namespace = this.#resolve(callee as Node, callee.object.name);
    return namespace !== undefined && importedName(namespace) === '*' ? 'saga' : undefined;
  }

  /** A function of its own file that is given a context by code elsewhere. */
  #addDeclaredContext(node: FunctionNode): void {
    const positions = node.params.flatMap((parameter, index) => (isDeclaredContext(parameter) ? [index] : []));
    if (positions.length > 0) this.#add(node, 'saga', positions);
  }

  /** Notes a function as replayed, with its parameters that are given the context, and follows what it refers to. */
  #add(node: FunctionNode, kind: Kind, positions: readonly number[]): void {
    const replayed = this.#functions.get(node) ?? { kind, contexts: new Set<Scope.Variable>() };
    const before = this.#functions.has(node) ? replayed.contexts.size : -1;
    this.#functions.set(node, replayed);
    for (const position of positions) {
      const parameter = node.params[position];
      const variable =
        parameter?.type === 'Identifier'
          ? this.#source.getDeclaredVariables(node).find(({ name }) => name === parameter.name)
          : undefined;
      if (variable !== undefined) replayed.contexts.add(variable);
    }
    if (replayed.contexts.size > before) this.#follow(node, replayed);
  }

  #follow(node: FunctionNode, { kind }: Replayed): void {
    this.#walk(node.body as Node, (inner) => {
      if (inner.type !== 'Identifier') return;
      const target = functionOf(this.#resolve(inner, inner.name));
      if (target === undefined || target === node) return;
      const call = parentOf(inner);
      const isCalled = call?.type === 'CallExpression' && (call.callee as Node) === inner;
      this.#add(target, kind, isCalled ? this.#contextPositions(call) : []);
    });
  }

  #contextPositions(call: NodeOf<'CallExpression'>): number[] {
    return call.arguments.flatMap((argument, index) => {
      if (argument.type !== 'Identifier') return [];
      const variable = this.#resolve(argument as Node, argument.name);
      const isContext = [...this.#functions.values()].some(({ contexts }) => variable && contexts.has(variable));
      return isContext ? [index] : [];
    });
  }

  #resolve(node: Node, name: string): Scope.Variable | undefined {
    for (let scope: Scope.Scope | null = this.#source.getScope(node); scope !== null; scope = scope.upper) {
      const variable = scope.set.get(name);
      if (variable !== undefined) return variable;
    }
    return undefined;
  }

  #walk(node: Node, visit: (node: Node) => void): void {
    visit(node);
    for (const key of this.#source.visitorKeys[node.type] ?? []) {
      const child = (node as unknown as Readonly<Record<string, unknown>>)[key];
      for (const one of Array.isArray(child) ? child : [child]) if (isNode(one)) this.#walk(one, visit);
    }
  }
}

/** Above the program there is nothing. */
export function parentOf(node: Node): Node | null {
  return node.parent ?? null;
}

export function isFunction(node: Node): node is FunctionNode {
  return (
    node.type === 'FunctionDeclaration' || node.type === 'FunctionExpression' || node.type === 'ArrowFunctionExpression'
  );
}

/** The function that the node stands in. */
export function enclosingFunction(node: Node): FunctionNode | undefined {
  for (let at = parentOf(node); at !== null; at = parentOf(at)) if (isFunction(at)) return at;
  return undefined;
}

/** `saga` of `import { saga } from ...`, `*` of a namespace; undefined for what is not imported. */
export function importedName(variable: Scope.Variable): string | undefined {
  const specifier = variable.defs.find(({ type }) => type === 'ImportBinding')?.node as Node | undefined;
  if (specifier?.type === 'ImportNamespaceSpecifier') return '*';
  if (specifier?.type !== 'ImportSpecifier') return undefined;
  return specifier.imported.type === 'Identifier' ? specifier.imported.name : undefined;
}

/** The module that a variable is imported from. */
export function moduleOf(variable: Scope.Variable): string | undefined {
  const definition = variable.defs[0];
  if (definition?.type === 'ImportBinding') {
    const { source } = definition.parent;
    return typeof source.value === 'string' ? source.value : undefined;
  }
  if (definition?.type !== 'Variable') return undefined;
  const { init } = definition.node;
  if (init?.type !== 'CallExpression' || init.callee.type !== 'Identifier' || init.callee.name !== 'require') {
    return undefined;
  }
  const [module] = init.arguments;
  return module?.type === 'Literal' && typeof module.value === 'string' ? module.value : undefined;
}

function functionOf(variable: Scope.Variable | undefined): FunctionNode | undefined {
  const definition = variable?.defs[0];
  if (definition?.type === 'FunctionName') {
    const node = definition.node as Node;
    return isFunction(node) ? node : undefined;
  }
  if (definition?.type !== 'Variable') return undefined;
  const init = definition.node.init as Node | null | undefined;
  return init && isFunction(init) ? init : undefined;
}

/** The generators that an orchestrator is made from: the function itself, or a `handler` in its options. */
function bodiesIn(argument: Node): FunctionNode[] {
  if (isFunction(argument)) return [argument];
  if (argument.type !== 'ObjectExpression') return [];
  return argument.properties.flatMap((property) => {
    if (property.type !== 'Property' || property.key.type !== 'Identifier' || property.key.name !== 'handler')
      return [];
    const value = property.value as Node;
    return isFunction(value) ? [value] : [];
  });
}

/** A parameter that is declared as `SagaContext<...>`. */
function isDeclaredContext(parameter: unknown): boolean {
  const annotation = (parameter as { typeAnnotation?: { typeAnnotation?: unknown } }).typeAnnotation?.typeAnnotation;
  const { type, typeName } = (annotation ?? {}) as { type?: unknown; typeName?: { name?: unknown } };
  return type === 'TSTypeReference' && typeName?.name === 'SagaContext';
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}
