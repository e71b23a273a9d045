import { startHostProcess, stopHosts } from '../support/host-process';
import { writeApp } from '../support/write-app';

describe('a host with timers', () => {
  afterEach(stopHosts);

  const start = async (options: string, settings: Record<string, string> = {}): ReturnType<typeof startHostProcess> => {
    const source = `
      const { app } = require('@azure/functions');
      app.http('hello', { handler: () => ({ body: 'hello' }) });
      app.timer('tick', { ${options}, handler: (timer, context) => context.log('tick') });
    `;
    return startHostProcess(await writeApp({ 'index.js': source }), { settings });
  };

  it('keeps schedules in its own folder when the setting of the storage is empty', async () => {
    const host = await start("schedule: '0 0 * * * *', runOnStartup: true", { AzureWebJobsStorage: '' });
    await host.waitFor(/Executed 'Functions.tick' \(Succeeded/);
    expect(host.functions).toEqual(['hello', 'tick']);
  });

  it.each(['', ', useMonitor: false'])('says that a schedule never occurs, and runs the rest%s', async (more) => {
    const host = await start(`schedule: '0 0 0 30 2 *'${more}`);
    await host.waitFor(/The 'tick' function is in error: /);
    expect(host.functions).toEqual(['hello']);
    expect(await (await fetch(`${host.url}/api/hello`)).text()).toBe('hello');
  });
});
