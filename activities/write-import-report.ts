import { activity } from 'durable-saga';
import { importResultSchema, reportPathOf, reportRequestSchema } from '../src/domain/import';
import type { ImportSummary, ReportRequest } from '../src/domain/import';
import { formatMoney } from '../src/domain/money';
import type { RowRejection } from '../src/domain/order-rows';
import type { Files, Imports } from '../src/ports';
import { untilItIsBack } from './import-retry';

export interface ImportReportPorts {
  readonly files: Files;
  readonly imports: Imports;
  readonly currency: { readonly code: string; readonly decimals: number };
}

const PAGE = 1_000;

/**
 * Ends an import with its report, a JSON file next to the imported one: what was taken, in money too, and each row that
 * was refused with the reason. It is written piece by piece, so its length doesn't matter.
 */
export const writeImportReport = activity({
  name: 'writeImportReport',
  input: reportRequestSchema,
  output: importResultSchema,
  retry: untilItIsBack,
  timeout: '5 minutes',
  run: (ports: ImportReportPorts) => async (request, step) => {
    const { file, problem, rows } = request;
    await ports.imports.finish(file.importId, problem);
    const summary = await ports.imports.summarise(file.importId);
    const report = reportPathOf(file, problem);
    await ports.files.write(report, renderReport(ports, request, summary), 'application/json');
    const { rejectedRows } = summary;
    if (problem) step.warn(`nothing more of ${file.path} was imported: ${problem.message}; see ${report}`);
    else if (rejectedRows > 0) step.warn(`${rejectedRows} rows of ${file.path} were refused; see ${report}`);
    return { report, rows, rejectedRows, problem };
  },
});

async function* renderReport(
  { imports, currency }: ImportReportPorts,
  request: ReportRequest,
  summary: ImportSummary,
): AsyncGenerator<string, void, undefined> {
  const head = JSON.stringify(toHead(request, summary, currency), undefined, 2);
  yield `${head.slice(0, -2)},\n  "rejected": [`;
  let separator = '\n    ';
  for await (const rejection of listAll(imports, request.file.importId)) {
    yield separator + JSON.stringify(rejection);
    separator = ',\n    ';
  }
  yield separator.startsWith(',') ? '\n  ]\n}\n' : ']\n}\n';
}

function toHead(
  { file, kind, rows, ignored, problem }: ReportRequest,
  summary: ImportSummary,
  { code, decimals }: ImportReportPorts['currency'],
) {
  const about = {
    file: file.path,
    etag: file.etag,
    import: file.importId,
    startedAt: summary.startedAt,
    finishedAt: summary.finishedAt,
    ...(problem && { problem }),
    ...(ignored.length > 0 && { ignoredColumns: ignored }),
    rows,
    rejectedRows: summary.rejectedRows,
  };
  if (kind === 'products') return { ...about, products: rows - summary.rejectedRows };
  const { accepted, repeated } = summary.totals;
  return {
    ...about,
    orders: summary.orders,
    totals: { currency: code, accepted: formatMoney(accepted, decimals), repeated: formatMoney(repeated, decimals) },
  };
}

async function* listAll(imports: Imports, importId: string): AsyncGenerator<RowRejection, void, undefined> {
  let afterRow = 0;
  for (;;) {
    const page = await imports.listRejections(importId, { afterRow, limit: PAGE });
    yield* page;
    if (page.length < PAGE) return;
    afterRow = page.at(-1)?.row ?? afterRow;
  }
}
