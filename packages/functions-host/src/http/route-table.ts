import { decodeSegment } from './request-path';
import { compareRank, parseRouteTemplate, type RouteTemplate } from './route-template';

/** A function that answers HTTP requests, by method and route. */
export interface Route<T> {
  /** Template with the route prefix in front, e.g. `api/orders/{id}`. */
  readonly template: string;
  /** Upper-cased methods. */
  readonly methods: readonly string[];
  readonly target: T;
}

interface RouteMatch<T> {
  readonly target: T;
  readonly params: Record<string, string>;
}

/** Finds the function for a request. */
export interface RouteTable<T> {
  /**
   * @param method upper-cased.
   * @param path still percent-encoded, with its leading slash, without the query.
   */
  find(method: string, path: string): RouteMatch<T> | undefined;
}

interface Entry<T> {
  readonly compiled: RouteTemplate;
  readonly methods: ReadonlySet<string>;
  readonly target: T;
}

/**
 * Compiles routes into a table. Routes of pure literals are found by one look-up; the others are tried in ASP.NET's order.
 * A route that matches by path but not by method is passed over, so that a catch-all behind it may answer.
 * @throws Error if a template is not valid.
 */
export function createRouteTable<T>(routes: readonly Route<T>[]): RouteTable<T> {
  const entries: Entry<T>[] = routes.map(({ template, methods, target }) => ({
    compiled: parseRouteTemplate(template),
    methods: new Set(methods),
    target,
  }));
  const literal = new Map<string, Entry<T>[]>();
  const dynamic: Entry<T>[] = [];
  for (const entry of entries) {
    const path = entry.compiled.literalPath;
    if (path === undefined) dynamic.push(entry);
    else literal.set(path, [...(literal.get(path) ?? []), entry]);
  }
  dynamic.sort((a, b) => compareRank(a.compiled, b.compiled));

  return {
    find(method, path) {
      const isPlain = !path.includes('%');
      const plainPath = isPlain ? path.slice(1, path.endsWith('/') ? -1 : undefined) : toSegments(path).join('/');
      for (const entry of literal.get(plainPath.toLowerCase()) ?? []) {
        if (entry.methods.has(method)) return { target: entry.target, params: {} };
      }
      if (dynamic.length === 0) return undefined;
      const segments = toSegments(path);
      for (const entry of dynamic) {
        if (!entry.methods.has(method)) continue;
        const params = entry.compiled.match(segments, path.endsWith('/'));
        if (params !== undefined) return { target: entry.target, params };
      }
      return undefined;
    },
  };
}

/** Decoded segments of a path; an encoded slash stays encoded, as in ASP.NET, and one slash at the end means nothing. */
function toSegments(path: string): string[] {
  const end = path.endsWith('/') ? path.length - 1 : path.length;
  if (end <= 1) return [];
  const segments = path.slice(1, end).split('/');
  return path.includes('%') ? segments.map(decodeSegment) : segments;
}
