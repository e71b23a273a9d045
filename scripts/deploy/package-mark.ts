import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { StepFailed } from './step';

const markSchema = z.object({
  build: z.string().min(1),
  functions: z.array(z.string()).min(1),
  taskHub: z.string().default('scheduler'),
});

/** What `npm run package` says of a package: its build, the names of all functions that it registers, and which task hub it is for. */
export type PackageMark = z.infer<typeof markSchema>;

/** Reads `build.json` of the folder that `npm run package` has filled. Throws `StepFailed`. */
export async function readPackageMark(folder: string): Promise<PackageMark> {
  const file = path.join(folder, 'build.json');
  let content: unknown;
  try {
    content = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new StepFailed(`could not read ${file}, which \`npm run package\` writes: ${String(error)}`);
  }
  const mark = markSchema.safeParse(content);
  if (!mark.success)
    throw new StepFailed(`${file}: expected {"build", "functions": ["name", ...]}, got something else`);
  return mark.data;
}
