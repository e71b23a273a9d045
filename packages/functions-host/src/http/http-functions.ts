import type { FunctionRuntime } from '../app/function-runtime';
import type { RegisteredFunction } from '../app/registered-function';
import type { HostLog } from '../log';
import { createRouteTable, type Route, type RouteTable } from './route-table';
import { parseRouteTemplate } from './route-template';

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

/** The HTTP functions among `runtimes`, whose triggers were checked. */
export function toHttpFunctions(runtimes: readonly FunctionRuntime[], routePrefix: string): HttpFunction[] {
  return runtimes
    .filter(({ fn }) => fn.trigger.type === 'httpTrigger')
    .map((runtime) => {
      const { methods, authLevel } = runtime.fn.trigger;
      return {
        runtime,
        authLevel: toAuthLevel(authLevel),
        methods: toMethods(methods),
        template: toTemplate(runtime.fn, routePrefix),
      };
    });
}

/** The host's own paths; Azure keeps them free below any prefix. */
const reservedRoute = /^\/?(?:admin|runtime)/i;

/**
 * Checks a function's HTTP trigger, if it has one.
 * @throws Error saying what is wrong with its auth level or its route.
 */
export function checkHttpTrigger(fn: RegisteredFunction, routePrefix: string): void {
  if (fn.trigger.type !== 'httpTrigger') return;
  toAuthLevel(fn.trigger['authLevel']);
  const template = toTemplate(fn, '');
  if (reservedRoute.test(template)) {
    throw new Error(
      `the route '${template}' conflicts with built-in routes: as on Azure, none may begin with 'admin' or 'runtime', whatever the prefix.`,
    );
  }
  parseRouteTemplate(toTemplate(fn, routePrefix));
}

/**
 * Route template of a function with an HTTP trigger, with the prefix and without a leading slash. As on Azure an empty route
 * is none, and the function's name takes its place; `/` is the root.
 */
export function toTemplate({ name, trigger: { route } }: RegisteredFunction, routePrefix: string): string {
  return [routePrefix, typeof route === 'string' && route.trim() !== '' ? route.replace(/^\//, '') : name]
    .filter((part) => part !== '')
    .join('/');
}

/** Routes of all HTTP functions. Two functions on one route are only warned of: the first answers. */
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
    return { template, methods, target };
  });
  return createRouteTable(routes);
}

function toMethods(methods: unknown): string[] {
  if (!Array.isArray(methods) || methods.length === 0) return allMethods;
  return methods.map((method) => String(method).toUpperCase());
}

function toAuthLevel(level: unknown): AuthLevel {
  // The real host's default when a function says nothing.
  const text = level ?? 'function';
  const known = authLevels.find((name) => typeof text === 'string' && name === text.toLowerCase());
  if (known !== undefined) return known;
  throw new Error(`authLevel must be one of ${authLevels.join(', ')}; got ${JSON.stringify(level)}.`);
}
