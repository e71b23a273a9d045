import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { StartError } from '../host/start-error';

/**
 * The files that `main` of the app's package.json names: a path or a glob (`*`, `**`, `?`, `{a,b}`), relative to the app's
 * folder. Without `main` it is index.js, as in Node.
 * @returns absolute paths, sorted.
 * @throws StartError if there is no package.json, `main` is no string or nothing matches.
 */
export function findEntryPoints(appDir: string): string[] {
  const main = readMain(appDir);
  const files = expandBraces(main)
    .flatMap((pattern) => matchPattern(appDir, pattern))
    .filter((file, at, all) => all.indexOf(file) === at)
    .sort();
  if (files.length === 0) {
    throw new StartError(
      `No file matches "main" of ${path.join(appDir, 'package.json')}: ${JSON.stringify(main)}. ` +
        'It must name the file, or a glob of files, that registers the functions. If it is built, build it first.',
    );
  }
  return files;
}

/** Runs one entry point: `.mjs` is imported, `.cjs` required, and for `.js` the nearest package.json's `type` decides. */
export async function runEntryPoint(file: string): Promise<void> {
  if (isEsModule(file)) await import(pathToFileURL(file).href);
  else createRequire(file)(file);
}

function readMain(appDir: string): string {
  const file = path.join(appDir, 'package.json');
  if (!existsSync(file)) {
    throw new StartError(
      `${file} is missing: a Functions app needs a package.json whose "main" names its entry point.`,
    );
  }
  const { main } = readPackageJson(file);
  if (main === undefined) return 'index.js';
  if (typeof main !== 'string' || main === '') {
    throw new StartError(`"main" of ${file} must be the path or glob of the entry point; got ${JSON.stringify(main)}.`);
  }
  return main;
}

function readPackageJson(file: string): { main?: unknown; type?: unknown } {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new StartError(`${file} is not valid JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (typeof parsed !== 'object' || parsed === null) throw new StartError(`${file} must hold a JSON object.`);
  return parsed;
}

function isEsModule(file: string): boolean {
  if (file.endsWith('.mjs')) return true;
  if (file.endsWith('.cjs')) return false;
  for (let dir = path.dirname(file); ; dir = path.dirname(dir)) {
    const packageJson = path.join(dir, 'package.json');
    if (existsSync(packageJson)) return readPackageJson(packageJson).type === 'module';
    if (path.dirname(dir) === dir) return false;
  }
}

/** `a{b,c}d` -> [`abd`, `acd`]; braces may be nested. */
export function expandBraces(pattern: string): string[] {
  const open = pattern.indexOf('{');
  if (open < 0) return [pattern];
  const options: string[] = [];
  let depth = 0;
  let from = open + 1;
  for (let at = open; at < pattern.length; at++) {
    const char = pattern[at];
    if (char === '{') depth++;
    else if (char === '}' || (char === ',' && depth === 1)) {
      if (char === '}') depth--;
      if (depth > 0 && char === '}') continue;
      options.push(pattern.slice(from, at));
      from = at + 1;
      if (depth === 0) {
        const rest = pattern.slice(at + 1);
        return options.flatMap((option) => expandBraces(pattern.slice(0, open) + option + rest));
      }
    }
  }
  return [pattern];
}

function matchPattern(appDir: string, pattern: string): string[] {
  const segments = pattern.split(/[\\/]/).filter((segment) => segment !== '' && segment !== '.');
  return matchSegments(appDir, segments).filter((file) => statSync(file).isFile());
}

function matchSegments(dir: string, segments: readonly string[]): string[] {
  const [segment, ...rest] = segments;
  if (segment === undefined) return [dir];
  if (segment === '**') {
    const deeper = readdirSync(dir, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && entry.name !== 'node_modules' && !entry.name.startsWith('.'))
      .flatMap((entry) => matchSegments(path.join(dir, entry.name), segments));
    return [...matchSegments(dir, rest), ...deeper];
  }
  if (!/[*?]/.test(segment)) {
    const next = path.join(dir, segment);
    return existsSync(next) ? matchSegments(next, rest) : [];
  }
  const matcher = new RegExp(
    `^${segment
      .replace(/[.+^$()|[\]\\]/g, '\\$&')
      .replace(/\*/g, '.*')
      .replace(/\?/g, '.')}$`,
  );
  return readdirSync(dir, { withFileTypes: true })
    .filter((entry) => matcher.test(entry.name) && !(entry.name.startsWith('.') && !segment.startsWith('.')))
    .filter((entry) => rest.length === 0 || entry.isDirectory())
    .flatMap((entry) => matchSegments(path.join(dir, entry.name), rest));
}
