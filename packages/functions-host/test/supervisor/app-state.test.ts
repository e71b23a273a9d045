import { type AppState, decidesAlike } from '../../src/supervisor/app-state';

const toState = (settings: Readonly<Record<string, string>>): AppState => ({
  manifest: { services: [{ name: 'carrier', entry: '/carrier.js', settings: ['CARRIER_URL'] }], tasks: [] },
  settings,
  isOwn: () => true,
});

describe('a change of settings', () => {
  it.each([
    { CARRIER_URL: 'http://127.0.0.1:7081' },
    { DATABASE_URL: 'postgres://127.0.0.1:5432/a' },
    { FUNCTIONS_HOST_TASK_HUB: 'memory' },
    { AzureWebJobsStorage: 'UseDevelopmentStorage=true' },
    { AzureWebJobsStorage__blobServiceUri: 'http://127.0.0.1:10000/devstoreaccount1' },
  ])('asks for other services: %j', (settings) => {
    expect(decidesAlike(toState({}), toState(settings))).toBe(false);
    expect(decidesAlike(toState(settings), toState({ GREETING: 'hello', ...settings }))).toBe(true);
  });

  it('asks for none by a storage account elsewhere that an identity opens', () => {
    const settings = { Data__blobServiceUri: 'https://account.blob.core.windows.net' };
    expect(decidesAlike(toState({}), toState(settings))).toBe(true);
  });
});
