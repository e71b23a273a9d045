import { FileReplaced, createBlobFiles } from '../../src/adapters/azure-blobs';
import { readJson } from './import-workbench';
import type { Report } from './import-workbench';
import type { RunningApp } from './running-app';
import { until } from './running-app';

/** The import container of a running app, as those who upload files see it. */
export function openImports(app: Pick<RunningApp, 'settings'>) {
  const files = createBlobFiles({ connectionString: app.settings['AzureWebJobsStorage'] }, 'imports');
  async function* only(content: string | Buffer): AsyncGenerator<string | Uint8Array> {
    yield content;
  }
  const readReport = async (name: string): Promise<Report | undefined> => {
    const opened = await files.open(`${name}.report.json`);
    if (opened.kind !== 'file') return undefined;
    return readJson(files, `${name}.report.json`).then(
      (report) => report as Report,
      (error: unknown) => {
        if (error instanceof FileReplaced) return undefined;
        throw error;
      },
    );
  };
  return {
    /** `name` is the path without its ending, e.g. `orders/june`. */
    async upload(name: string, content: string | Buffer): Promise<void> {
      await files.write(`${name}.csv`, only(content), 'text/csv');
    },
    /** Waits for the report of the content that is there now. */
    report: (name: string, withinMs = 60_000): Promise<Report> =>
      until(`there is a report of ${name}.csv`, withinMs, async () => {
        const opened = await files.open(`${name}.csv`);
        const report = await readReport(name);
        return opened.kind === 'file' && report?.etag === opened.etag ? report : undefined;
      }),
  };
}
