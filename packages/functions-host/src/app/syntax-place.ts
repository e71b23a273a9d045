/*
 * Where a syntax error of an ES module is.
 *
 * Node knows file and line, and prints them when such an error ends the process; the error that an importer catches has
 * neither. So when an app fails to load that way, its files are checked one by one, from the entry point along relative
 * imports, by `node --check`, which runs none of them and prints what the importer is not told.
 */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** Relative imports, static ones and those by a plain text. */
const relativeImport = /(?:\bfrom|\bimport)\s*\(?\s*['"](\.{1,2}\/[^'"]+)['"]/g;
/** A bound for apps of very many files: the search takes some 30 ms for each. */
const mostFiles = 200;

/**
 * Finds the file and line of a syntax error.
 * @returns file, line and the place in it, as Node prints them; undefined if the error is no such one, says so itself or
 * is not found.
 */
export async function findSyntaxPlace(error: unknown, entryPoint: string): Promise<string | undefined> {
  const { name, stack } = error as Partial<Error>;
  if (name !== 'SyntaxError' || stack?.startsWith('SyntaxError') !== true || !stack.includes('esm')) return undefined;
  const files = [entryPoint];
  for (let at = 0; at < Math.min(files.length, mostFiles); at++) {
    const file = files[at] ?? '';
    const place = await check(file);
    if (place !== undefined) return place;
    for (const [, specifier = ''] of readFileSync(file, 'utf8').matchAll(relativeImport)) {
      const imported = path.resolve(path.dirname(file), specifier);
      if (existsSync(imported) && !files.includes(imported)) files.push(imported);
    }
  }
  return undefined;
}

/** What Node prints before the error itself: `file:line`, the line, and a mark under it. */
function check(file: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['--check', file], (failed, _stdout, stderr) => {
      resolve(failed === null ? undefined : (/^[\s\S]*?(?=\n+SyntaxError)/.exec(stderr)?.[0] ?? undefined));
    });
  });
}
