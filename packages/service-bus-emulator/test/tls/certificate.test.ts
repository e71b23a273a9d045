import { X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { obtainCertificate } from '../../src/tls/certificate';

const hosts = ['localhost', '127.0.0.1', '::1'];

describe('the certificate', () => {
  let folder: string;

  beforeEach(async () => {
    folder = path.join(await mkdtemp(path.join(tmpdir(), 'certificate-')), 'tls');
  });
  afterEach(() => rm(path.dirname(folder), { recursive: true }));

  it('is good for the names of this machine, and signs nothing else', async () => {
    const { certificate, certificateFile } = await obtainCertificate(folder, hosts);
    const parsed = new X509Certificate(certificate);
    expect(parsed.checkHost('localhost')).toBe('localhost');
    expect(parsed.checkIP('127.0.0.1')).toBe('127.0.0.1');
    expect(parsed.checkIP('::1')).toBe('::1');
    expect(parsed.checkHost('elsewhere')).toBeUndefined();
    expect(parsed.ca).toBe(false);
    expect(parsed.verify(parsed.publicKey)).toBe(true);
    const days = (Date.parse(parsed.validTo) - Date.parse(parsed.validFrom)) / 86_400_000;
    expect(days).toBeLessThanOrEqual(825);
    expect(await readFile(certificateFile, 'utf8')).toBe(certificate);
  });

  it('has its key in a file that only its owner reads, and its public half in another', async () => {
    await obtainCertificate(folder, hosts);
    expect((await readdir(folder)).sort()).toEqual(['certificate.pem', 'key-and-certificate.pem']);
    if (process.platform !== 'win32') {
      expect((await stat(path.join(folder, 'key-and-certificate.pem'))).mode & 0o777).toBe(0o600);
    }
    expect(await readFile(path.join(folder, 'certificate.pem'), 'utf8')).not.toContain('PRIVATE');
  });

  it('is used again', async () => {
    const first = await obtainCertificate(folder, hosts);
    expect(await obtainCertificate(folder, hosts)).toEqual(first);
  });

  it('is made anew for a name that it does not have', async () => {
    const first = await obtainCertificate(folder, hosts);
    const second = await obtainCertificate(folder, [...hosts, 'build-server']);
    expect(second.certificate).not.toBe(first.certificate);
    expect(new X509Certificate(second.certificate).checkHost('build-server')).toBe('build-server');
    expect(await readFile(second.certificateFile, 'utf8')).toBe(second.certificate);
  });

  it.each(['', 'no certificate', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'])(
    'is made anew when its file holds %j',
    async (text) => {
      await obtainCertificate(folder, hosts);
      await writeFile(path.join(folder, 'key-and-certificate.pem'), text);
      const { certificate } = await obtainCertificate(folder, hosts);
      expect(new X509Certificate(certificate).checkHost('localhost')).toBe('localhost');
    },
  );

  it('is the same for emulators that start at once', async () => {
    const all = await Promise.all(Array.from({ length: 5 }, () => obtainCertificate(folder, hosts)));
    expect(new Set(all.map(({ certificate }) => certificate)).size).toBe(1);
    expect(new Set(all.map(({ key }) => key)).size).toBe(1);
    expect((await readdir(folder)).sort()).toEqual(['certificate.pem', 'key-and-certificate.pem']);
  });
});
