import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';

/** Who a server process runs as, when that is not whoever runs this program. */
export interface ServerAccount {
  readonly uid: number;
  readonly gid: number;
}

const NOBODY: ServerAccount = { uid: 65534, gid: 65534 };

/**
 * PostgreSQL refuses to run as root. Root runs it as the owner of its data folder, when that is somebody else already,
 * and otherwise as `nobody`; everybody else runs it as themselves (`undefined`).
 */
export async function chooseServerAccount(dataDir: string): Promise<ServerAccount | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const owner = await stat(dataDir).catch(() => undefined);
  if (owner && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  return findNobody();
}

/**
 * The first folder on the way to `target` (itself excluded) that the account may not enter, or `undefined`.
 * Folders that don't exist yet are no obstacle: they will be made.
 */
export async function findBlockingFolder(target: string, account: ServerAccount): Promise<string | undefined> {
  for (const folder of parentsOf(target)) {
    const found = await stat(folder).catch(() => undefined);
    if (!found) return undefined;
    const enter = found.uid === account.uid ? 0o100 : found.gid === account.gid ? 0o010 : 0o001;
    if ((found.mode & enter) === 0) return folder;
  }
  return undefined;
}

/** Numeric ids as the system calls take them: macOS lists nobody as -2, which is 4294967294 there. */
export function unsignedId(id: number): number {
  return id >>> 0;
}

async function findNobody(): Promise<ServerAccount> {
  const passwd = await readFile('/etc/passwd', 'utf8').catch(() => '');
  const fields = passwd
    .split('\n')
    .find((line) => line.startsWith('nobody:'))
    ?.split(':');
  const uid = Number(fields?.[2]);
  const gid = Number(fields?.[3]);
  return fields && Number.isInteger(uid) && Number.isInteger(gid) ? { uid, gid } : NOBODY;
}

function parentsOf(target: string): string[] {
  const parents: string[] = [];
  for (let folder = path.dirname(target); ; folder = path.dirname(folder)) {
    parents.unshift(folder);
    if (folder === path.dirname(folder)) return parents;
  }
}
