import { isAbsolute, resolve } from 'node:path';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The address that the setting `name` holds. Throws unless it is one of this machine, of the scheme given. */
export function readUrl(environment: Environment, name: string, scheme: 'http' | 'smtp'): URL {
  const value = environment[name];
  const expected = `expected an address such as ${scheme}://127.0.0.1:7080`;
  if (!value) throw new Error(`${name}: ${expected}, got nothing`);
  if (!URL.canParse(value)) throw new Error(`${name}: ${expected}, got ${JSON.stringify(value)}`);
  const url = new URL(value);
  if (url.protocol !== `${scheme}:` || !['127.0.0.1', 'localhost'].includes(url.hostname) || url.port === '') {
    throw new Error(`${name}: ${expected} (a stand-in listens on this machine only), got ${JSON.stringify(value)}`);
  }
  return url;
}

/** The folder that DATA_DIR names; it is made when it is first written to. */
export function readDataDir(environment: Environment): string {
  const value = environment['DATA_DIR'];
  if (!value) throw new Error('DATA_DIR: expected the folder that keeps the data, got nothing');
  return isAbsolute(value) ? value : resolve(value);
}

/** A count such as PAYMENT_FAIL_BEFORE; 0 when the setting is absent or empty. */
export function readCount(environment: Environment, name: string): number {
  const value = environment[name] ?? '';
  if (value === '') return 0;
  if (!/^\d{1,9}$/.test(value))
    throw new Error(`${name}: expected a whole number from 0, got ${JSON.stringify(value)}`);
  return Number(value);
}
