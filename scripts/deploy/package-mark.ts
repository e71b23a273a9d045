import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { StepFailed } from './step';

const markSchema = z.object({ build: z.string().min(1), functions: z.array(z.string()).min(1) });

/** What `npm run package` says of the package: its build, and the names of all functions that it registers. */
export type PackageMark = z.infer<typeof markSchema>;

/** Reads `build.json` of a package. Throws `StepFailed`. */
export async function readPackageMark(file: string): Promise<PackageMark> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new StepFailed(`could not read ${file}: ${String(error)}. \`npm run package\` writes it.`);
  }
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    content = undefined;
  }
  const mark = markSchema.safeParse(content);
  if (!mark.success)
    throw new StepFailed(`${file}: expected {"build", "functions": ["name", ...]}, got something else`);
  return mark.data;
}
