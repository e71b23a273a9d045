import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, readdir, readFile, rm } from 'node:fs/promises';
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
    for (const [option, expected] of Object.entries(place)) expectSame(values, option, expected);
    return path.join(blobs, path.basename(String(values['name'])));
  };
  const blob = { required: ['auth-mode', 'account-name', 'container-name', 'name'], optional: ['output'] };
  const withFile = { ...blob, required: [...blob.required, 'file'] };
  const fileOf = ({ folder, values }: Call): string => path.resolve(folder, String(values['file']));
  const isThere = async (call: Call): Promise<boolean> => (await readdir(blobs)).includes(path.basename(blobOf(call)));
  const expectThere = async (call: Call): Promise<void> => {
    if (!(await isThere(call))) throw refusal('The specified blob does not exist.', 'BlobNotFound');
  };
  const tagOf = async (call: Call): Promise<string> =>
    `"0x${createHash('sha256')
      .update(await readFile(blobOf(call)))
      .digest('hex')}"`;
  return {
    'storage blob exists': {
      ...blob,
      optional: ['query', 'output'],
      run: async (call) => String(await isThere(call)),
    },
    'storage blob upload': {
      ...withFile,
      optional: [...blob.optional, 'if-match'],
      flags: ['overwrite'],
      run: async (call) => {
        const { overwrite, 'if-match': tag } = call.values;
        if (tag !== undefined && !((await isThere(call)) && tag === (await tagOf(call)))) {
          throw refusal('The condition specified using HTTP conditional header(s) is not met.', 'ConditionNotMet');
        }
        const mode = overwrite === true ? 0 : constants.COPYFILE_EXCL;
        await copyFile(fileOf(call), blobOf(call), mode).catch((error: unknown) => {
          if ((error as { code?: string }).code !== 'EEXIST') throw error;
          throw refusal('The specified blob already exists.', 'BlobAlreadyExists');
        });
        return '';
      },
    },
    'storage blob show': {
      ...blob,
      optional: ['query', 'output'],
      run: async (call) => {
        expectSame(call.values, 'query', 'properties.etag');
        await expectThere(call);
        return JSON.stringify(await tagOf(call));
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

export function expectSame(values: Call['values'], option: string, expected: string): void {
  if (values[option] !== expected)
    throw new Error(`--${option}: expected ${expected}, got '${String(values[option])}'`);
}

const refusal = (message: string, code: string): Error => new Error(`${message}\nRequestId:0\nErrorCode:${code}`);
