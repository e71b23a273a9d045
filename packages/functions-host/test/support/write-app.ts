import { mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { makeFolder } from './host-process';

const root = path.join(__dirname, '../../../..');

/**
 * Writes a Functions app into a temporary folder, with the repository's packages in reach.
 * @param files texts by path; host.json and package.json (main: index.js) are there unless given.
 * @returns the folder.
 */
export async function writeApp(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await makeFolder();
  const all = { 'host.json': '{ "version": "2.0" }', 'package.json': '{ "main": "index.js" }', ...files };
  for (const [file, text] of Object.entries(all)) {
    await mkdir(path.dirname(path.join(folder, file)), { recursive: true });
    await writeFile(path.join(folder, file), text);
  }
  await symlink(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
  return folder;
}
