import { createSettings } from '../../src/host/settings';
import { findStorageConnection } from '../../src/triggers/storage-connection';

const find = (values: Record<string, string>, connection = 'Data', service: 'blob' | 'queue' = 'queue') =>
  findStorageConnection(createSettings(values), connection, service);
const text = (account: string): string => `AccountName=${account};AccountKey=a2V5`;

describe('the connection of a storage binding', () => {
  it('is found under the names that Azure looks under, in its order', () => {
    const all = {
      'ConnectionStrings:AzureWebJobsData': text('a'),
      AzureWebJobsData: text('b'),
      'ConnectionStrings:Data': text('c'),
      Data: text('d'),
    };
    const names = Object.keys(all);
    for (const [at, account] of ['a', 'b', 'c', 'd'].entries()) {
      const settings = Object.fromEntries(Object.entries(all).filter(([name]) => names.indexOf(name) >= at));
      expect(find(settings)).toEqual({ kind: 'connectionString', text: text(account) });
    }
    expect(find({ ConnectionStrings__Data: text('e') })).toEqual({ kind: 'connectionString', text: text('e') });
  });

  it.each([
    [{ Data__serviceUri: 'https://x.queue.core.windows.net' }, 'queue', 'https://x.queue.core.windows.net'],
    [
      { Data__queueServiceUri: 'https://q.example', Data__serviceUri: 'https://s.example' },
      'queue',
      'https://q.example',
    ],
    [
      { Data__blobServiceUri: 'https://b.example', Data__queueServiceUri: 'https://q.example' },
      'blob',
      'https://b.example',
    ],
    [{ Data__accountName: 'acc' }, 'blob', 'https://acc.blob.core.windows.net'],
    [{ Data__accountName: 'acc' }, 'queue', 'https://acc.queue.core.windows.net'],
    [{ 'AzureWebJobsData:accountName': 'acc' }, 'queue', 'https://acc.queue.core.windows.net'],
  ] as const)('can be by identity: %j for %s is %s', (settings, service, url) => {
    expect(find(settings, 'Data', service)).toMatchObject({ kind: 'identity', url });
  });

  it.each([
    [{ Data__credential: 'managedidentity' }, { kind: 'managed' }],
    [
      { Data__credential: 'ManagedIdentity', Data__clientId: 'c' },
      { kind: 'managed', clientId: 'c' },
    ],
    [
      { Data__credential: 'managedidentity', Data__managedIdentityResourceId: '/r' },
      { kind: 'managed', resourceId: '/r' },
    ],
    [
      { Data__tenantId: 't', Data__clientId: 'c', Data__clientSecret: 's' },
      { kind: 'secret', tenantId: 't', clientId: 'c', clientSecret: 's' },
    ],
    [{ Data__clientId: 'c' }, { kind: 'default', managedIdentityClientId: 'c' }],
    [{}, { kind: 'default' }],
  ])('is by the identity that %j asks for', (settings, identity) => {
    expect(find({ Data__accountName: 'acc', ...settings })).toMatchObject({ kind: 'identity', identity });
  });

  it("takes the well-known key for the emulator's account on this machine, since identities need https", () => {
    expect(find({ Data__serviceUri: 'http://127.0.0.1:10001/devstoreaccount1' })).toMatchObject({
      ...{ kind: 'key', account: 'devstoreaccount1', url: 'http://127.0.0.1:10001/devstoreaccount1' },
      key: expect.stringMatching(/^Eby8/) as string,
    });
  });

  it.each([
    [
      {},
      '(tried ConnectionStrings:AzureWebJobsData, AzureWebJobsData, ConnectionStrings:Data, Data): expected a storage',
    ],
    [{ Data: 'rubbish' }, "Setting 'Data' must be a storage connection string such as UseDevelopmentStorage=true"],
    [{ Data__serviceUri: 'nowhere' }, "Setting 'Data__serviceUri' must be a URL such as https://"],
    [{ Data__serviceUri: 'http://10.0.0.1/acc' }, "Setting 'Data__serviceUri' must be an https URL"],
    [{ Data__serviceUri: 'http://127.0.0.1:1/other' }, "Setting 'Data__serviceUri' must be an https URL"],
    [
      { Data__blobServiceUri: 'https://b.example' },
      "Setting 'Data__queueServiceUri' is not set, only 'Data__blobServiceUri'",
    ],
    [{ Data__accountName: 'a', Data__credential: 'magic' }, "Setting 'Data__credential' must be 'managedidentity'"],
  ])('refuses %j', (settings, message) => {
    expect(() => find(settings)).toThrow(message);
  });

  it.each([
    { Data__serviceUri: 'AccountName=a;AccountKey=c2VjcmV0' },
    { Data__serviceUri: 'http://10.0.0.1/acc?sig=c2VjcmV0' },
  ])('repeats no secret of %j', (settings) => {
    expect(() => find(settings)).toThrow(/^(?!.*c2VjcmV0)/);
  });

  it('has no other name where it has the prefix already', () => {
    expect(() => find({}, 'AzureWebJobsStorage')).toThrow(
      "Setting 'AzureWebJobsStorage' is not set: expected a storage",
    );
  });
});
