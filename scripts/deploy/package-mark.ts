import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { StepFailed } from './step';

const buildSchema = z.object({ build: z.string().min(1) });
const functionsSchema = z.array(z.string()).min(1);

/** What `npm run package` says of a package: its build, and the names of all functions that it registers. */
export interface PackageMark {
  readonly build: string;
  readonly functions: readonly string[];
}

/** Reads `build.json` and `functions.json` of the folder that `npm run package` has filled. Throws `StepFailed`. */
export async function readPackageMark(folder: string): Promise<PackageMark> {
  const { build } = await readAs(path.join(folder, 'build.json'), buildSchema, '{"build"}');
  return { build, functions: await readAs(path.join(folder, 'functions.json'), functionsSchema, 'a list of names') };
}

async function readAs<T>(file: string, schema: z.ZodType<T>, expected: string): Promise<T> {
  let content: unknown;
  try {
    content = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new StepFailed(`could not read ${file}, which \`npm run package\` writes: ${String(error)}`);
  }
  const read = schema.safeParse(content);
  if (!read.success) throw new StepFailed(`${file}: expected ${expected}, got something else`);
  return read.data;
}
