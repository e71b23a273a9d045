import path from 'node:path';
import { bodyOf, readBicep, textOf } from './bicep-file';
import type { Declaration } from './bicep-file';
import type { Expression } from './expressions';
import { functions, isKept, ofUnknown, operate, show, typeOf, Unknown } from './functions';
import type { Value } from './functions';

/*
 * Works a template out for one choice of parameters, as a deployment does: conditions, loops, modules with what they are given
 * and give back. What only Azure knows stays unknown. What can't be worked out, such as an output of a module that is not
 * deployed with this choice, is an error that says where.
 */

/** A resource that would be made. `symbol`: the name that its file has for it. */
export interface DeployedResource {
  readonly file: string;
  readonly symbol: string;
  readonly type: string;
  readonly body: Readonly<Record<string, Value>>;
}

/** What one deployment makes, modules included. */
export interface Deployed {
  readonly resources: readonly DeployedResource[];
  readonly outputs: Readonly<Record<string, Value>>;
}

/** A resource or module by its name in a file; `index` in a loop. */
export class Declared {
  readonly template: Template;
  readonly declaration: Declaration;
  readonly locals: Locals;
  readonly isDeployed: boolean;

  constructor(template: Template, declaration: Declaration, locals: Locals, isDeployed: boolean) {
    this.template = template;
    this.declaration = declaration;
    this.locals = locals;
    this.isDeployed = isDeployed;
  }
}

type Locals = Readonly<Record<string, Value>>;

/** Parameters as a file of parameters gives them, for these variables of the environment. */
export function readParameters(file: string, environment: Readonly<Record<string, string>>): Record<string, Value> {
  const template = new Template(file, {}, environment);
  return Object.fromEntries(readBicep(file).map(({ name, value }) => [name, template.valueOf(value, {}, name)]));
}

export function deploy(file: string, parameters: Readonly<Record<string, Value>>): Deployed {
  return new Template(file, parameters, {}).deploy();
}

export class Template {
  readonly #file: string;
  readonly #declarations: ReadonlyMap<string, Declaration>;
  readonly #outputs: readonly Declaration[];
  readonly #parameters: Readonly<Record<string, Value>>;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #known = new Map<string, Value>();
  readonly #modules = new Map<Declared, Deployed>();

  constructor(
    file: string,
    parameters: Readonly<Record<string, Value>>,
    environment: Readonly<Record<string, string>>,
  ) {
    this.#file = file;
    const declarations = readBicep(file);
    // An output may be called as something else is.
    this.#outputs = declarations.filter(({ kind }) => kind === 'output');
    const others = declarations.filter(({ kind }) => kind !== 'output');
    this.#declarations = new Map(others.map((declaration) => [declaration.name, declaration]));
    this.#parameters = parameters;
    this.#environment = environment;
  }

  deploy(): Deployed {
    const declarations = [...this.#declarations.values()];
    const taken = declarations.filter(({ kind }) => kind === 'param');
    const unknown = Object.keys(this.#parameters).filter((name) => !taken.some((param) => param.name === name));
    if (unknown.length > 0) throw new Error(`${this.#file}: ${unknown.join(', ')}: no such parameter`);
    for (const { name } of taken) this.#named(name, {}, name);
    const symbols = declarations
      .filter(({ kind }) => kind === 'resource' || kind === 'module')
      .flatMap(({ name }) => [this.#named(name, {}, name)].flat() as Declared[])
      .filter(({ isDeployed }) => isDeployed);
    const resources = symbols.flatMap((symbol) =>
      symbol.declaration.kind === 'module' ? this.deployModule(symbol).resources : this.#resource(symbol),
    );
    const outputs = this.#outputs.map(
      (output) => [output.name, this.#checked(output, this.valueOf(output.value, {}, output.name))] as const,
    );
    return { resources, outputs: Object.fromEntries(outputs) };
  }

  deployModule(symbol: Declared): Deployed {
    const { declaration } = symbol;
    const done = this.#modules.get(symbol);
    if (done !== undefined) return done;
    const { params = {} } = this.bodyOf(symbol, ['params']) as { params?: Record<string, Value> };
    const file = path.join(path.dirname(this.#file), declaration.type);
    const deployed = new Template(file, params, {}).deploy();
    this.#modules.set(symbol, deployed);
    return deployed;
  }

  #resource(symbol: Declared): DeployedResource[] {
    const { name, type, isExisting } = symbol.declaration;
    const body = this.bodyOf(symbol);
    return isExisting ? [] : [{ file: this.#file, symbol: name, type, body }];
  }

  /** The members of a resource's body, or some of them. */
  bodyOf({ declaration, locals }: Declared, only?: readonly string[]): Record<string, Value> {
    const body = bodyOf(declaration.value);
    if (body?.kind !== 'object') return this.#fail(declaration.name, 'expected an object');
    const members = body.members.filter(({ key }) => only === undefined || only.includes(textOf(key)));
    return this.valueOf({ kind: 'object', members }, locals, declaration.name) as Record<string, Value>;
  }

  /** `where`: the declaration, for errors. */
  valueOf(expression: Expression | undefined, locals: Locals, where: string): Value {
    if (expression === undefined) return this.#fail(where, 'expected a value');
    const of = (inner: Expression | undefined, more: Locals = {}): Value =>
      this.valueOf(inner, { ...locals, ...more }, where);
    switch (expression.kind) {
      case 'number':
        return Number(expression.text);
      case 'name':
        return this.#named(expression.text, locals, where);
      case 'string':
        return this.#text(expression.parts, of, where);
      case 'array':
        return expression.items.map((item) => of(item));
      case 'object':
        return Object.fromEntries(expression.members.map(({ key, value }) => [show(of(key)), of(value)]));
      case 'lambda':
        return (...given: Value[]) => of(expression.body, this.#locals(expression.names, given));
      case 'for':
        return this.#list(of(expression.of), where).map((one, index) =>
          of(expression.body, this.#locals(expression.names, [one, index])),
        );
      case 'member':
        return this.#member(of(expression.of), expression.name, expression.isSafe, where);
      case 'operation':
        return this.#operation(expression.sign, expression.given, of, where);
      case 'call':
        return this.#call(expression, of, where);
      case 'if':
        return this.#fail(where, 'a condition can stand before a resource or a module only');
    }
  }

  #locals(names: readonly string[], given: readonly Value[]): Locals {
    return Object.fromEntries(names.map((name, index) => [name, given[index] ?? null]));
  }

  #named(name: string, locals: Locals, where: string): Value {
    if (name === 'true' || name === 'false') return name === 'true';
    if (name === 'null') return null;
    if (Object.hasOwn(locals, name)) return locals[name] ?? null;
    const declaration = this.#declarations.get(name);
    if (declaration === undefined) return this.#fail(where, `there is no ${name}`);
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const value = this.#work(declaration);
    this.#known.set(name, value);
    return value;
  }

  #work(declaration: Declaration): Value {
    const { kind, name, value } = declaration;
    if (kind === 'param') {
      const given = Object.hasOwn(this.#parameters, name) ? this.#parameters[name] : undefined;
      return this.#checked(declaration, given ?? this.valueOf(value, {}, name));
    }
    if (kind !== 'resource' && kind !== 'module') return this.valueOf(value, {}, name);
    const symbol = (inner: Expression | undefined, locals: Locals): Declared =>
      new Declared(this, declaration, locals, inner?.kind !== 'if' || this.#isTrue(inner.condition, locals, name));
    if (value?.kind !== 'for') return symbol(value, {});
    return this.#list(this.valueOf(value.of, {}, name), name).map((one, index) =>
      symbol(value.body, this.#locals(value.names, [one, index])),
    );
  }

  #isTrue(condition: Expression, locals: Locals, where: string): boolean {
    const value = this.valueOf(condition, locals, where);
    return typeof value === 'boolean' ? value : this.#fail(where, `expected true or false, got ${show(value)}`);
  }

  #list(value: Value, where: string): Value[] {
    return Array.isArray(value) ? (value as Value[]) : this.#fail(where, `expected an array, got ${show(value)}`);
  }

  #text(parts: readonly (string | Expression)[], of: (inner: Expression) => Value, where: string): string {
    const texts = parts.map((part) => {
      const value = typeof part === 'string' ? part : of(part);
      if (value instanceof Declared) return this.#fail(where, `${value.declaration.name} is no text`);
      if (value === null) return this.#fail(where, 'null is no text');
      return show(value);
    });
    return texts.join('');
  }

  #member(of: Value, name: string, isSafe: boolean, where: string): Value {
    if (of instanceof Declared) return this.#ofSymbol(of, name, where);
    if (of instanceof Unknown) return new Unknown(`${of.from}.${name}`);
    if (of === null && isSafe) return null;
    if (typeof of === 'object' && of !== null && Object.hasOwn(of, name))
      return (of as Record<string, Value>)[name] ?? null;
    return isSafe ? null : this.#fail(where, `there is no ${name} in ${show(of).slice(0, 80)}`);
  }

  #ofSymbol(symbol: Declared, name: string, where: string): Value {
    const { declaration, isDeployed, template } = symbol;
    if (!isDeployed) return this.#fail(where, `${declaration.name} is not deployed, and its ${name} is asked for`);
    if (declaration.kind === 'module') {
      if (name !== 'outputs')
        return this.#fail(where, `the ${name} of the module ${declaration.name} is not read here`);
      return template.deployModule(symbol).outputs;
    }
    if (name === 'name') return template.bodyOf(symbol, ['name'])['name'] ?? null;
    return new Unknown(`${declaration.name}.${name}`);
  }

  #operation(
    sign: string,
    given: readonly Expression[],
    of: (inner: Expression | undefined) => Value,
    where: string,
  ): Value {
    const [left, right, last] = given;
    const truth = (inner: Expression | undefined): boolean => {
      const value = of(inner);
      return typeof value === 'boolean' ? value : this.#fail(where, `expected true or false, got ${show(value)}`);
    };
    switch (sign) {
      case '?':
        return truth(left) ? of(right) : of(last);
      case '!':
        return !truth(left);
      case '&&':
        return truth(left) && truth(right);
      case '||':
        return truth(left) || truth(right);
      case '??':
        return of(left) ?? of(right);
      case '==':
      case '!=':
        return (show(of(left)) === show(of(right))) === (sign === '==');
      case '[]':
      case '[?]':
        return this.#item(of(left), of(right), sign === '[?]', where);
      default:
        return this.#number(
          sign,
          given.map((inner) => of(inner)),
          where,
        );
    }
  }

  #item(of: Value, key: Value, isSafe: boolean, where: string): Value {
    if (typeof key === 'string') return this.#member(of, key, isSafe, where);
    if (of instanceof Unknown) return new Unknown(`${of.from}[${show(key)}]`);
    const value = Array.isArray(of) && typeof key === 'number' ? (of as Value[])[key] : undefined;
    return value ?? (isSafe ? null : this.#fail(where, `there is no ${show(key)} in ${show(of).slice(0, 80)}`));
  }

  #number(sign: string, given: readonly Value[], where: string): Value {
    const [left = 0, right] = given.length === 1 ? [0, given[0]] : given;
    if (typeof left !== 'number' || typeof right !== 'number') return this.#fail(where, `expected numbers at ${sign}`);
    return operate(sign, left, right) ?? this.#fail(where, `${sign} is not worked out here`);
  }

  #call(call: Extract<Expression, { kind: 'call' }>, of: (inner: Expression) => Value, where: string): Value {
    if (call.of.kind !== 'name') return new Unknown(`${where}: a call`);
    const name = call.of.text;
    const work = Object.hasOwn(functions, name) ? functions[name] : undefined;
    if (work === undefined) return this.#fail(where, `the function ${name} is not known here`);
    const given = call.given.map(of);
    const unknown = given.find((value) => value instanceof Unknown);
    if (unknown !== undefined && ofUnknown.includes(name)) return new Unknown(`${name}(${unknown.from})`);
    try {
      return work(given, { folder: path.dirname(this.#file), environment: this.#environment });
    } catch (error) {
      return this.#fail(where, `${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** A value as its parameter or output says that it is. */
  #checked({ name, type, decorators }: Declaration, value: Value): Value {
    if (value instanceof Unknown) return value;
    if (type !== '' && typeOf(value) !== type) {
      return this.#fail(name, `expected ${type}, got ${show(value).slice(0, 80)}`);
    }
    for (const { name: rule, given } of decorators) {
      const limit = given[0] === undefined ? null : this.valueOf(given[0], {}, name);
      if (!isKept(rule, limit, value)) return this.#fail(name, `expected ${rule} ${show(limit)}, got ${show(value)}`);
    }
    return value;
  }

  #fail(where: string, message: string): never {
    throw new Error(`${this.#file}: ${where}: ${message}`);
  }
}
