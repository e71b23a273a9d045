/*
 * Microsoft's clients speak TLS to a certificate that they trust, and nothing else. The one made here is self-signed and no
 * authority: whoever trusts it trusts this emulator and nothing that it could sign. It is kept in a folder, so that an
 * environment variable set once (NODE_EXTRA_CA_CERTS, SSL_CERT_FILE) stays right over restarts.
 *
 * Key and certificate stand in one file that is put in place in one step, so that two emulators that start on the same
 * folder end up with the same pair; the file that clients are pointed at is a copy of its public half.
 */
import { createPrivateKey, generateKeyPairSync, randomUUID, webcrypto, X509Certificate } from 'node:crypto';
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import path from 'node:path';
import { realClock } from '../clock';
import { codeOf } from '../error-code';

/** What a TLS server needs, and the file for its clients. Both texts are PEM. */
export interface ServerCertificate {
  readonly key: string;
  readonly certificate: string;
  readonly certificateFile: string;
}

const DAY_MS = 86_400_000;
/** Apple's clients take no certificate that is valid for more than 825 days. */
const VALID_FOR_MS = 800 * DAY_MS;
/** One that ends sooner is made anew, so that it does not end while it is used. */
const RENEW_BEFORE_MS = 30 * DAY_MS;
const CLOCKS_MAY_DIFFER_BY_MS = DAY_MS;

/** Makes a certificate for `hosts` (names and IP addresses) in `folder`, or takes the one that is there and still good for them. */
export async function obtainCertificate(folder: string, hosts: readonly string[]): Promise<ServerCertificate> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const pairFile = path.join(folder, 'key-and-certificate.pem');
  const certificateFile = path.join(folder, 'certificate.pem');
  let pair = await readPair(pairFile);
  if (pair === undefined || !isGoodFor(pair, hosts)) {
    pair = await putInPlace(await makePair(hosts), pairFile, pair !== undefined);
  }
  if ((await readIfThere(certificateFile)) !== pair.certificate) {
    await replaceFile(certificateFile, pair.certificate, 0o644);
  }
  return { ...pair, certificateFile };
}

interface Pair {
  readonly key: string;
  readonly certificate: string;
}

function isGoodFor({ key, certificate }: Pair, hosts: readonly string[]): boolean {
  try {
    const parsed = new X509Certificate(certificate);
    return (
      Date.parse(parsed.validTo) - realClock.now() > RENEW_BEFORE_MS &&
      parsed.checkPrivateKey(createPrivateKey(key)) &&
      hosts.every((host) => (isIP(host) === 0 ? parsed.checkHost(host) : parsed.checkIP(host)) !== undefined)
    );
  } catch {
    // Not readable: to be made anew, whatever is in it.
    return false;
  }
}

async function makePair(hosts: readonly string[]): Promise<Pair> {
  // Loading this library takes a fifth of a second; with a certificate already there, it is not needed.
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const { subtle } = webcrypto;
  const keys = {
    privateKey: await subtle.importKey('pkcs8', privateKey.export({ type: 'pkcs8', format: 'der' }), algorithm, true, [
      'sign',
    ]),
    publicKey: await subtle.importKey('spki', publicKey.export({ type: 'spki', format: 'der' }), algorithm, true, [
      'verify',
    ]),
  };
  const now = realClock.now();
  const made = await x509.X509CertificateGenerator.createSelfSigned(
    {
      name: 'CN=service-bus-emulator',
      notBefore: new Date(now - CLOCKS_MAY_DIFFER_BY_MS),
      notAfter: new Date(now + VALID_FOR_MS - CLOCKS_MAY_DIFFER_BY_MS),
      keys,
      signingAlgorithm: algorithm,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        new x509.SubjectAlternativeNameExtension(
          hosts.map((host) => ({ type: isIP(host) === 0 ? ('dns' as const) : ('ip' as const), value: host })),
        ),
      ],
    },
    webcrypto,
  );
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    certificate: `${made.toString('pem')}\n`,
  };
}

/** Gives the pair that stands in the file in the end: another emulator may have been first. */
async function putInPlace(pair: Pair, file: string, replaces: boolean): Promise<Pair> {
  const text = pair.key + pair.certificate;
  if (replaces) {
    await replaceFile(file, text, 0o600);
    return pair;
  }
  const draft = draftOf(file);
  await writeFile(draft, text, { mode: 0o600 });
  try {
    await link(draft, file);
    return pair;
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    return (await readPair(file)) ?? pair;
  } finally {
    await rm(draft, { force: true });
  }
}

async function readPair(file: string): Promise<Pair | undefined> {
  const text = await readIfThere(file);
  if (text === undefined) return undefined;
  const at = text.indexOf('-----BEGIN CERTIFICATE-----');
  return at === -1 ? { key: '', certificate: '' } : { key: text.slice(0, at), certificate: text.slice(at) };
}

async function replaceFile(file: string, text: string, mode: number): Promise<void> {
  const draft = draftOf(file);
  await writeFile(draft, text, { mode });
  await rename(draft, file);
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function draftOf(file: string): string {
  return `${file}.${randomUUID()}.draft`;
}
