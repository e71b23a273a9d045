import { hostname } from 'node:os';
import { isLoopback, namesOf, reachableAs, secureNameOf, toConnectionString, warningOf } from '../src/addresses';

describe('addresses', () => {
  it.each(['127.0.0.1', '127.1.2.3', 'localhost', '::1'])(
    '%s is of this machine alone, and needs no warning',
    (host) => {
      expect(isLoopback(host)).toBe(true);
      expect(warningOf(host, false)).toBeUndefined();
      expect(namesOf(host)).toEqual(expect.arrayContaining(['localhost', '127.0.0.1', '::1', host]));
      expect(secureNameOf(host)).toBe('localhost');
    },
  );

  it.each(['0.0.0.0', '::', '192.0.2.1', '128.0.0.1', 'localhost.example.com'])(
    '%s lets others in, which is said',
    (host) => {
      expect(isLoopback(host)).toBe(false);
      expect(warningOf(host, false)).toContain(`${host}: other machines can reach this emulator, and anybody`);
      expect(warningOf(host, true)).toContain('who holds a key');
      expect(namesOf(host)).toContain(hostname());
    },
  );

  it.each([
    ['0.0.0.0', '127.0.0.1'],
    ['::', '[::1]'],
    ['::1', '[::1]'],
    ['192.0.2.1', '192.0.2.1'],
  ])('who listens on %s is reached here as %s', (host, name) => {
    expect(reachableAs(host)).toBe(name);
  });

  it('stand in connection strings, with the first key, or the one of the official emulator', () => {
    expect(toConnectionString({ host: '127.0.0.1', port: 5672, keys: undefined, secure: false })).toBe(
      'Endpoint=sb://127.0.0.1:5672;SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true;',
    );
    expect(toConnectionString({ host: 'localhost', port: 1, keys: [{ name: 'A', key: 'b=' }], secure: true })).toBe(
      'Endpoint=sb://localhost:1;SharedAccessKeyName=A;SharedAccessKey=b=;',
    );
  });
});
