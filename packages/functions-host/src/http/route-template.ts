/*
 * Route templates as Azure Functions takes them over from ASP.NET: `products/{category:alpha}/{id:int?}`, `{*rest}`,
 * `{id=5}`, several parts in one segment (`{name}.{ext}`). Literals and parameter names are compared without case;
 * values keep theirs. A template compiles to one matcher per segment, and to a rank that orders templates the way
 * ASP.NET does: segment by segment, literal before constrained parameter before parameter before catch-all.
 */
import { parseConstraint, type RouteConstraint } from './route-constraint';

/** A compiled template. */
export interface RouteTemplate {
  readonly template: string;
  /** Set when there are only literals: the lower-cased path, for looking it up at once. */
  readonly literalPath: string | undefined;
  /** One rank a segment; the lexicographically smaller array is tried first. */
  readonly rank: readonly number[];
  /**
   * @param segments decoded path segments, without an empty one at the end.
   * @param endsWithSlash a slash at the end means nothing but to a catch-all, which keeps it.
   * @returns the parameters' values (absent optional ones left out), or undefined if the path doesn't match.
   */
  match(segments: readonly string[], endsWithSlash: boolean): Record<string, string> | undefined;
}

interface Parameter {
  readonly name: string;
  readonly optional: boolean;
  readonly catchAll: boolean;
  readonly defaultValue: string | undefined;
  readonly constraints: readonly RouteConstraint[];
}

type Part = { readonly literal: string } | { readonly parameter: Parameter };

interface Segment {
  readonly parts: readonly Part[];
  /** Only for segments of several parts: finds their values. */
  readonly pattern: RegExp | undefined;
}

const rank = { literal: 1, constrained: 2, parameter: 3, constrainedCatchAll: 4, catchAll: 5 };

/**
 * Compiles a template.
 * @throws Error naming the template and what is wrong with it.
 */
export function parseRouteTemplate(template: string): RouteTemplate {
  const trimmed = template.replace(/^~?\//, '').replace(/\/$/, '');
  const segments = trimmed === '' ? [] : splitSegments(trimmed).map((text) => parseSegment(text, template));
  checkOrder(segments, template);
  const isLiteral = segments.every((segment) => segment.parts.every((part) => 'literal' in part));
  return {
    template,
    literalPath: isLiteral ? trimmed.toLowerCase() : undefined,
    rank: segments.map(toRank),
    match: (path, endsWithSlash) => matchSegments(segments, path, endsWithSlash ? '/' : ''),
  };
}

/** Orders templates: negative if `a` is tried before `b`. */
export function compareRank(a: RouteTemplate, b: RouteTemplate): number {
  for (let at = 0; at < Math.max(a.rank.length, b.rank.length); at++) {
    const difference = (a.rank[at] ?? 0) - (b.rank[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Slashes inside of braces (a regex constraint) don't split. */
function splitSegments(template: string): string[] {
  const segments: string[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at < template.length; at++) {
    const char = template[at];
    if (char === '{') depth++;
    else if (char === '}') depth--;
    else if (char === '/' && depth === 0) {
      segments.push(template.slice(from, at));
      from = at + 1;
    }
  }
  segments.push(template.slice(from));
  return segments;
}

function parseSegment(text: string, template: string): Segment {
  if (text === '') throw routeError(template, 'it has an empty segment');
  const parts: Part[] = [];
  let literal = '';
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? '';
    const doubled = text[at + 1] === char;
    if ((char === '{' || char === '}') && doubled) {
      literal += char;
      at++;
    } else if (char === '{') {
      const end = findClosingBrace(text, at, template);
      if (literal !== '') parts.push({ literal });
      literal = '';
      parts.push({ parameter: parseParameter(text.slice(at + 1, end), template) });
      at = end;
    } else if (char === '}') {
      throw routeError(template, "a '}' has no '{' before it");
    } else {
      literal += char;
    }
  }
  if (literal !== '') parts.push({ literal });
  return { parts, pattern: parts.length > 1 ? toPattern(parts, template) : undefined };
}

/** Braces nest inside of a regex constraint, where `{{` and `}}` stand for one brace each. */
function findClosingBrace(text: string, open: number, template: string): number {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    if (text[at] === '{') depth++;
    else if (text[at] === '}' && --depth === 0) return at;
  }
  throw routeError(template, "a '{' is never closed");
}

function parseParameter(text: string, template: string): Parameter {
  const match = /^(\*{0,2})([A-Za-z_][\w-]*)((?::[^=]*?(?:\(.*\))?)*?)(?:=(.*))?(\?)?$/.exec(text);
  if (match === null)
    throw routeError(template, `'{${text}}' is no parameter such as {id}, {id:int}, {id?} or {*rest}`);
  const [, stars = '', name = '', constraints = '', defaultValue, question] = match;
  return {
    name,
    catchAll: stars !== '',
    optional: question !== undefined,
    defaultValue,
    constraints: splitConstraints(constraints).map((constraint) => {
      try {
        return parseConstraint(constraint);
      } catch (error) {
        throw routeError(template, error instanceof Error ? error.message : String(error));
      }
    }),
  };
}

/** `:int:range(1,5)` -> [`int`, `range(1,5)`]; colons in parentheses belong to the constraint. */
function splitConstraints(text: string): string[] {
  const constraints: string[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at <= text.length; at++) {
    const char = text[at];
    if ((char === ':' && depth === 0) || char === undefined) {
      if (at > from) constraints.push(text.slice(from, at));
      from = at + 1;
    } else if (char === '(') depth++;
    else if (char === ')') depth--;
  }
  return constraints;
}

function toPattern(parts: readonly Part[], template: string): RegExp {
  const source = parts.map((part, at) => {
    if ('literal' in part) {
      const escaped = part.literal.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
      // `{name}.{ext?}`: the dot goes with the optional part behind it.
      return part.literal === '.' && isOptional(parts[at + 1]) ? '' : escaped;
    }
    const { optional, catchAll } = part.parameter;
    if (catchAll) throw routeError(template, 'a catch-all must be a segment of its own');
    // Greedy, so that `{name}.{ext}` splits at the last dot; before an optional end it must leave that end its part.
    if (!optional) return isOptional(parts[at + 2]) ? '(.+?)' : '(.+)';
    if (at !== parts.length - 1) throw routeError(template, 'only the last part of a segment can be optional');
    const before = parts[at - 1];
    if (before === undefined || !('literal' in before) || before.literal !== '.') {
      throw routeError(template, "an optional part of a segment must follow a '.'");
    }
    return '(?:\\.([^.]+))?';
  });
  return new RegExp(`^${source.join('')}$`, 'i');
}

function isOptional(part: Part | undefined): boolean {
  return part !== undefined && 'parameter' in part && part.parameter.optional;
}

function checkOrder(segments: readonly Segment[], template: string): void {
  const names = new Set<string>();
  segments.forEach((segment, at) => {
    for (const part of segment.parts) {
      if (!('parameter' in part)) continue;
      const { name, catchAll, optional } = part.parameter;
      if (names.has(name.toLowerCase())) throw routeError(template, `parameter '${name}' appears twice`);
      names.add(name.toLowerCase());
      if (catchAll && at !== segments.length - 1) throw routeError(template, 'a catch-all must be the last segment');
      const required = segments.slice(at + 1).some((later) => !later.parts.every(canBeAbsent));
      if (optional && segment.parts.length === 1 && required) {
        throw routeError(template, `optional parameter '${name}' is followed by a required segment`);
      }
    }
  });
}

function canBeAbsent(part: Part): boolean {
  return (
    'parameter' in part &&
    (part.parameter.optional || part.parameter.catchAll || part.parameter.defaultValue !== undefined)
  );
}

function toRank(segment: Segment): number {
  const [part] = segment.parts;
  if (part === undefined || 'literal' in part) return segment.parts.length > 1 ? rank.constrained : rank.literal;
  if (segment.parts.length > 1) return rank.constrained;
  const constrained = part.parameter.constraints.length > 0;
  if (part.parameter.catchAll) return constrained ? rank.constrainedCatchAll : rank.catchAll;
  return constrained ? rank.constrained : rank.parameter;
}

function matchSegments(
  segments: readonly Segment[],
  path: readonly string[],
  end: string,
): Record<string, string> | undefined {
  const params: Record<string, string> = {};
  for (const [at, segment] of segments.entries()) {
    const [part] = segment.parts;
    if (part !== undefined && 'parameter' in part && part.parameter.catchAll) {
      return setParameter(params, part.parameter, path.length > at ? path.slice(at).join('/') + end : undefined)
        ? params
        : undefined;
    }
    if (!matchSegment(segment, path[at], params)) return undefined;
  }
  return path.length > segments.length ? undefined : params;
}

function matchSegment(segment: Segment, value: string | undefined, params: Record<string, string>): boolean {
  if (segment.pattern === undefined) {
    const [part] = segment.parts;
    if (part === undefined) return false;
    if ('literal' in part) return value?.toLowerCase() === part.literal.toLowerCase();
    return setParameter(params, part.parameter, value);
  }
  const match = value === undefined ? null : segment.pattern.exec(value);
  if (match === null) return false;
  let group = 1;
  return segment.parts.every((part) => 'literal' in part || setParameter(params, part.parameter, match[group++]));
}

function setParameter(params: Record<string, string>, parameter: Parameter, value: string | undefined): boolean {
  if (value === undefined || value === '') {
    if (parameter.defaultValue !== undefined) params[parameter.name] = parameter.defaultValue;
    return parameter.optional || parameter.catchAll || parameter.defaultValue !== undefined;
  }
  if (!parameter.constraints.every((accepts) => accepts(value))) return false;
  params[parameter.name] = value;
  return true;
}

function routeError(template: string, problem: string): Error {
  return new Error(`Route '${template}' is not valid: ${problem}.`);
}
