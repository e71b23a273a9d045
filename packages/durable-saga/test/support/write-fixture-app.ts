import path from 'node:path';
import { build } from 'esbuild';
import { writeApp } from '../../../functions-host/test/support/write-app';

/** Makes an app's folder from a fixture, the toolkit's source in it; gives the folder, which goes with the hosts. */
export async function writeFixtureApp(fixture: string, files: Readonly<Record<string, string>> = {}): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [path.join(__dirname, '..', 'fixtures', `${fixture}.ts`)],
    bundle: true,
    write: false,
    platform: 'node',
    packages: 'external',
  });
  return writeApp({ 'index.js': outputFiles[0]?.text ?? '', ...files });
}
