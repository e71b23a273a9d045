import type { FunctionRuntime } from '../app/function-runtime';
import type { RegisteredFunction } from '../app/registered-function';
import type { HostLog } from '../log';
import { StartError } from '../host/start-error';
import { messageOf } from '../supervisor/failures';
import { createRouteTable, type Route, type RouteTable } from './route-table';

/** Who may call a function when keys are enforced. */
export type AuthLevel = 'anonymous' | 'function' | 'admin';

/** A function with an HTTP trigger. */
export interface HttpFunction {
  readonly runtime: FunctionRuntime;
  readonly authLevel: AuthLevel;
  readonly methods: readonly string[];
  /** Route template with the prefix, without a leading slash. */
  readonly template: string;
}

const allMethods = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS', 'TRACE'];
const authLevels: readonly AuthLevel[] = ['anonymous', 'function', 'admin'];

/**
 * The HTTP functions among `runtimes`.
 * @throws StartError naming a function whose trigger has a wrong auth level.
 */
export function toHttpFunctions(runtimes: readonly FunctionRuntime[], routePrefix: string): HttpFunction[] {
  return runtimes
    .filter(({ fn }) => fn.trigger.type === 'httpTrigger')
    .map((runtime) => {
      const { methods, authLevel } = runtime.fn.trigger;
      return {
        runtime,
        authLevel: toAuthLevel(authLevel, runtime.fn.name),
        methods: toMethods(methods),
        template: toTemplate(runtime.fn, routePrefix),
      };
    });
}

/** Route template of a function with an HTTP trigger, with the prefix and without a leading slash. */
export function toTemplate({ name, trigger: { route } }: RegisteredFunction, routePrefix: string): string {
  return [routePrefix, typeof route === 'string' ? route.replace(/^\//, '') : name]
    .filter((part) => part !== '')
    .join('/');
}

/**
 * Routes of all HTTP functions.
 * @throws StartError naming the function whose template is not valid. Two functions on one route are only warned of: the first answers.
 */
export function toRouteTable(functions: readonly HttpFunction[], log: HostLog): RouteTable<HttpFunction> {
  const taken = new Map<string, string>();
  const routes: Route<HttpFunction>[] = functions.map((target) => {
    const { runtime, methods, template } = target;
    for (const method of methods) {
      const key = `${method} /${template.toLowerCase()}`;
      const other = taken.get(key);
      if (other !== undefined) {
        log.log(
          'Warning',
          'Host.Startup',
          `Functions '${other}' and '${runtime.fn.name}' both answer ${key}: '${other}' will.`,
        );
      } else taken.set(key, runtime.fn.name);
    }
    try {
      createRouteTable([{ template, methods, target }]);
    } catch (error) {
      throw new StartError(`Function '${runtime.fn.name}': ${messageOf(error)}`);
    }
    return { template, methods, target };
  });
  return createRouteTable(routes);
}

function toMethods(methods: unknown): string[] {
  if (!Array.isArray(methods) || methods.length === 0) return allMethods;
  return methods.map((method) => String(method).toUpperCase());
}

function toAuthLevel(level: unknown, name: string): AuthLevel {
  // The real host's default when a function says nothing.
  const text = level ?? 'function';
  const known = authLevels.find((name) => typeof text === 'string' && name === text.toLowerCase());
  if (known === undefined) {
    throw new StartError(
      `Function '${name}': authLevel must be one of ${authLevels.join(', ')}; got ${JSON.stringify(level)}.`,
    );
  }
  return known;
}
