import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Settings } from './settings';
import { StartError } from './start-error';

const idSetting = 'AzureFunctionsWebHost__hostid';
/** It becomes part of a queue's name. */
const valid = /^(?=.{1,32}$)[a-z0-9]+(?:-[a-z0-9]+)*$/;

/**
 * The name under which this app keeps receipts and schedules in its storage account: setting `AzureFunctionsWebHost__hostid`,
 * else one made once for the data folder, so that apps that share an account don't take each other's for theirs. Hosts on
 * one task hub are made the same one: who takes over must know what was handled.
 * @param hub the task hub's place and name, for an app with durable functions that is kept in a database.
 * @throws StartError if the setting is no host id.
 */
export function readHostId(dataDir: string | undefined, settings: Settings, hub: string | undefined): string {
  const given = settings.get(idSetting) ?? '';
  if (valid.test(given)) return given;
  if (given !== '') {
    throw new StartError(
      `Setting ${idSetting} must be 1 to 32 lower-case letters, digits and single hyphens, none of them at an end; got '${given}'.`,
    );
  }
  const digits = hub === undefined ? randomBytes(8).toString('hex') : createHash('sha256').update(hub).digest('hex');
  const made = `host-${digits.slice(0, 16)}`;
  if (dataDir === undefined) return made;
  const file = path.join(dataDir, 'host-id');
  try {
    const kept = readFileSync(file, 'utf8').trim();
    if (valid.test(kept)) return kept;
  } catch {
    // Not there yet.
  }
  mkdirSync(dataDir, { recursive: true });
  writeFileSync(file, `${made}\n`);
  return made;
}
