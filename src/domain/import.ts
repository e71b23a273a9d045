import { createHash } from 'node:crypto';
import { z } from 'zod';

/** What the import of a file is started with. `path` is that in the import container, e.g. `orders/june.csv`. */
export const importFileSchema = z.object({
  importId: z.string(),
  path: z.string(),
  etag: z.string(),
});
export type ImportedFile = z.infer<typeof importFileSchema>;

/** Where the next batch of a file begins, with all that it needs to know of the file's beginning. */
export const importCursorSchema = z.object({
  offset: z.int().min(0),
  row: z.int().min(1),
  columns: z.object({ count: z.int(), at: z.record(z.string(), z.int()) }),
});
export type ImportCursor = z.infer<typeof importCursorSchema>;

export const fileProblemSchema = z.object({
  code: z.enum(['empty', 'notText', 'noHeader', 'replaced', 'gone']),
  message: z.string(),
});

/**
 * The id of a file's import: the same for the same content at the same path, however often it is announced. It can't be
 * an order's id, since those have no colon, and has none of the characters that instance ids may not have.
 */
export function importIdOf(path: string, etag: string): string {
  const hash = createHash('sha256').update(`${path}\n${etag}`).digest('hex');
  const name = path
    .replace(/\.csv$/i, '')
    .replaceAll(/[^A-Za-z0-9_.-]+/g, '-')
    .slice(-40);
  return `import:${name}:${hash.slice(0, 24)}`;
}

/**
 * Where the report of an import goes: next to its file, under a name that starts no import. That of a file that was
 * replaced while it was read gets out of the way of its successor's.
 */
export function reportPathOf({ path, importId }: ImportedFile, problem: { readonly code: string } | undefined): string {
  const base = path.replace(/\.csv$/i, '');
  return problem?.code === 'replaced' ? `${base}.${importId.slice(-8)}.report.json` : `${base}.report.json`;
}
