import { copyFile, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Call, Command } from './azure-commands';

/*
 * The commands of `az` over blobs, which are files of one folder. A blob that is there is written over only when that is asked
 * for, and what `az` says of a blob is what is read elsewhere: so it is said here in the same words.
 */

/**
 * @param blobs folder whose files are the blobs
 * @param place the options that name the account and the container
 */
export function blobCommands(blobs: string, place: Readonly<Record<string, string>>): Record<string, Command> {
  const blobOf = ({ values }: Call): string => {
    for (const [option, expected] of Object.entries(place)) {
      if (values[option] !== expected) throw new Error(`--${option}: expected ${expected}`);
    }
    return path.join(blobs, path.basename(String(values['name'])));
  };
  const blob = { required: ['auth-mode', 'account-name', 'container-name', 'name'], optional: ['output'] };
  const withFile = { ...blob, required: [...blob.required, 'file'] };
  const fileOf = ({ folder, values }: Call): string => path.resolve(folder, String(values['file']));
  const isThere = async (call: Call): Promise<boolean> => (await readdir(blobs)).includes(path.basename(blobOf(call)));
  const expectThere = async (call: Call): Promise<void> => {
    if (!(await isThere(call))) throw refusal('The specified blob does not exist.', 'BlobNotFound');
  };
  return {
    'storage blob exists': {
      ...blob,
      optional: ['query', 'output'],
      run: async (call) => String(await isThere(call)),
    },
    'storage blob upload': {
      ...withFile,
      flags: ['overwrite'],
      run: async (call) => {
        if (call.values['overwrite'] !== true && (await isThere(call))) {
          throw refusal('The specified blob already exists.', 'BlobAlreadyExists');
        }
        await copyFile(fileOf(call), blobOf(call));
        return '';
      },
    },
    'storage blob download': {
      ...withFile,
      run: async (call) => {
        await expectThere(call);
        await copyFile(blobOf(call), fileOf(call));
        return '';
      },
    },
    'storage blob delete': {
      ...blob,
      run: async (call) => {
        await expectThere(call);
        await rm(blobOf(call));
        return '';
      },
    },
  };
}

const refusal = (message: string, code: string): Error => new Error(`${message}\nRequestId:0\nErrorCode:${code}`);
