import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { FileProblem } from './csv-file';

/** What the import of a file is started with. `path` is that in the import container, e.g. `orders/june.csv`. */
export const importFileSchema = z.object({ importId: z.string(), path: z.string(), etag: z.string() });
export type ImportedFile = z.infer<typeof importFileSchema>;

/** An import's file, and what is in it. Its id is that of the import's orchestration. */
export interface ImportFile extends ImportedFile {
  readonly kind: 'orders' | 'products';
}

/** An import that has not ended. */
export interface UnfinishedImport extends ImportFile {
  /** Undefined for one that no app has claimed. */
  readonly taskHub: string | undefined;
  /** When it was claimed, or began. */
  readonly startedAt: Date;
}

export interface ImportSummary {
  readonly startedAt: Date;
  readonly finishedAt: Date | undefined;
  readonly problem: FileProblem | undefined;
  /** Orders that the file brought, those that had come before with the same content, and those refused. */
  readonly orders: { readonly accepted: number; readonly repeated: number; readonly rejected: number };
  /** Sums of the accepted and of the repeated orders, in minor units. */
  readonly totals: { readonly accepted: number; readonly repeated: number };
  /** How many rows have a reason why they were refused. */
  readonly rejectedRows: number;
}

/** Where the next batch of a file begins, with all that it needs to know of the file's beginning. */
export const importCursorSchema = z.object({
  offset: z.int().min(0),
  row: z.int().min(1),
  columns: z.object({ count: z.int(), at: z.record(z.string(), z.int()) }),
  /** Columns of the file that mean nothing to the import. */
  ignored: z.array(z.string()),
});
export type ImportCursor = z.infer<typeof importCursorSchema>;

/** Input of an import's saga: the file, and how far its earlier histories have come. */
export const importStartSchema = importFileSchema.extend({
  progress: z.object({ cursor: importCursorSchema, rows: z.int() }).optional(),
});

/** Batches after which an import goes on in a new history, so that a file of a million rows has no long one. */
export const BATCHES_PER_HISTORY = 100;

export const fileProblemSchema = z.object({
  code: z.enum(['empty', 'notText', 'noHeader', 'replaced', 'gone']),
  message: z.string(),
});

/** What a batch is to do: the first one has no cursor yet. */
export const batchRequestSchema = z.object({ file: importFileSchema, cursor: importCursorSchema.optional() });

/** What a batch came to: the place where the next one begins, or the end of the file. */
export const batchResultSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('more'), rows: z.int(), cursor: importCursorSchema }),
  z.object({
    kind: z.literal('end'),
    rows: z.int(),
    ignored: z.array(z.string()),
    problem: fileProblemSchema.optional(),
  }),
]);
export type BatchResult = z.infer<typeof batchResultSchema>;

/** What a report needs to know beside what the batches have recorded. */
export const reportRequestSchema = z.object({
  file: importFileSchema,
  kind: z.enum(['orders', 'products']),
  rows: z.int(),
  ignored: z.array(z.string()),
  problem: fileProblemSchema.optional(),
});
export type ReportRequest = z.infer<typeof reportRequestSchema>;

/** What an import came to. */
export const importResultSchema = z.object({
  /** Path of the report, which has every rejection. */
  report: z.string(),
  rows: z.int(),
  rejectedRows: z.int(),
  problem: fileProblemSchema.optional(),
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
