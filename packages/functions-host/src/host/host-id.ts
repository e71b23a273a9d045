import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Settings } from './settings';

/**
 * The name under which this app keeps receipts and schedules in its storage account: setting `AzureFunctionsWebHost__hostid`,
 * else one made once for the data folder, so that apps that share an account don't take each other's for theirs.
 */
export function readHostId(dataDir: string, settings: Settings): string {
  const given = settings.get('AzureFunctionsWebHost__hostid');
  if (given !== undefined && given !== '') return given;
  const file = path.join(dataDir, 'host-id');
  try {
    const kept = readFileSync(file, 'utf8').trim();
    if (/^[a-z0-9-]{1,32}$/.test(kept)) return kept;
  } catch {
    // Not there yet.
  }
  const made = `host-${randomBytes(8).toString('hex')}`;
  mkdirSync(dataDir, { recursive: true });
  writeFileSync(file, `${made}\n`);
  return made;
}
