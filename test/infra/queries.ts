import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';

/*
 * What the dashboard, the alerts and the runbook ask of Application Insights, and which of the app's names their queries stand on.
 * A query that names what does not exist is not refused by anybody: it finds nothing, for ever.
 */

const root = path.join(__dirname, '../..');
export const readText = (file: string): string => readFileSync(path.join(root, file), 'utf8');

const duration = z.string().regex(/^PT(\d+H)?(\d+M)?$/);
const dimension = z.strictObject({
  name: z.string().min(1),
  operator: z.literal('Include'),
  values: z.tuple([z.literal('*')]),
});
const sentence = z.string().regex(/^[A-Z\d].{20,}\.$|^[a-z]\w+ .{20,}\.$/, 'a sentence');
const alert = {
  id: z.string().regex(/^[a-z]+(-[a-z]+)*$/),
  title: z.string().min(5),
  meaning: sentence,
  severity: z.int().min(0).max(2),
  threshold: z.number(),
  thresholdReason: sentence,
  runbook: z.string().regex(/^[a-z]+(-[a-z]+)*$/),
  window: duration,
  every: duration,
  operator: z.enum(['GreaterThan', 'LessThan']),
  aggregation: z.enum(['Total', 'Maximum', 'Average']),
  dimensions: z.array(dimension),
};
const alertsSchema = z.strictObject({
  queries: z
    .array(z.strictObject({ ...alert, periods: z.int().min(1).max(6), query: z.array(z.string()).min(1) }))
    .min(1),
  metrics: z
    .array(
      z.strictObject({
        ...alert,
        resource: z.enum(['serviceBus', 'postgres']),
        namespace: z.string(),
        metric: z.string(),
      }),
    )
    .min(1),
});
export type Alerts = z.infer<typeof alertsSchema>;
export const readAlerts = (text = readText('infra/operations/alerts.json')): Alerts =>
  alertsSchema.parse(JSON.parse(text));

/** What the portal reads: texts (1), queries (3) and parameters (9), of the kinds that are used here. */
const name = z.string().min(1);
const workspaces = z.literal('microsoft.operationalinsights/workspaces');
const textItem = z.strictObject({ type: z.literal(1), content: z.strictObject({ json: z.string().min(1) }), name });
const queryItem = z.strictObject({
  type: z.literal(3),
  content: z.strictObject({
    version: z.literal('KqlItem/1.0'),
    query: z.string().min(1),
    size: z.int().min(0).max(4),
    title: z.string().min(1),
    noDataMessage: z.string().min(1),
    timeContextFromParameter: z.string().optional(),
    queryType: z.literal(0),
    resourceType: workspaces,
    crossComponentResources: z.tuple([z.literal('<workspace id>')]),
    visualization: z.enum(['table', 'timechart', 'barchart', 'areachart', 'tiles']),
  }),
  customWidth: z
    .string()
    .regex(/^\d{1,3}$/)
    .optional(),
  name,
});
const parameter = z.looseObject({
  id: z.guid(),
  version: z.literal('KqlParameterItem/1.0'),
  name: z.string().regex(/^\w+$/),
  type: z.union([z.literal(1), z.literal(4)]),
});
const parametersItem = z.strictObject({
  type: z.literal(9),
  content: z.strictObject({
    version: z.literal('KqlParameterItem/1.0'),
    parameters: z.array(parameter).min(1),
    style: z.enum(['pills', 'above']),
    queryType: z.literal(0),
    resourceType: workspaces,
  }),
  name,
});
const workbookSchema = z.strictObject({
  version: z.literal('Notebook/1.0'),
  items: z.array(z.discriminatedUnion('type', [textItem, queryItem, parametersItem])).min(1),
  fallbackResourceIds: z.tuple([z.literal('<workspace id>')]),
  $schema: z.string(),
});
export type Workbook = z.infer<typeof workbookSchema>;
export const readWorkbook = (text = readText('infra/operations/workbook.json')): Workbook =>
  workbookSchema.parse(JSON.parse(text));

/** A query, and where it stands. */
export interface Query {
  readonly where: string;
  readonly text: string;
}

export const queriesOf = (alerts: Alerts, workbook: Workbook, runbook: string): Query[] => [
  ...alerts.queries.map(({ id, query }) => ({ where: `alert ${id}`, text: query.join('\n') })),
  ...workbook.items.flatMap((item) =>
    item.type === 3 ? [{ where: `workbook ${item.name}`, text: item.content.query }] : [],
  ),
  ...[...runbook.matchAll(/```kusto\n([\s\S]*?)```/g)].map(([, text = ''], index) => ({
    where: `runbook query ${index + 1}`,
    text,
  })),
];

const all = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([, found = '']) => found);
const quoted = (list: string): string[] => all(list, /'([^']*)'/g);
const isAboutMetrics = (query: string): boolean => /\bAppMetrics\b/.test(query);

/** Measures by which a query over `AppMetrics` chooses. */
export const metricsIn = ({ text }: Query): string[] =>
  isAboutMetrics(text)
    ? [...all(text, /\bName == '([^']*)'/g), ...all(text, /\bName in \(([^)]*)\)/g).flatMap(quoted)]
    : [];
export const attributesIn = ({ text }: Query): string[] => all(text, /\bProperties\['([^']*)'\]/g);
export const functionsIn = ({ text }: Query): string[] => [
  ...all(text, /\bOperationName == '([^']*)'/g),
  ...all(text, /\bOperationName in \(([^)]*)\)/g).flatMap(quoted),
];
/** Texts of log lines. */
export const messagesIn = ({ text }: Query): string[] =>
  all(text, /\bMessage has '((?:[^'\\]|\\.)*)'/g).map((message) => message.replaceAll('\\', ''));

/** Operators of the query language that are used here; a slip of the pen is none of them. */
const operators = new Set(
  'as,distinct,extend,join,lookup,mv-expand,order,project,summarize,take,top,union,where'.split(','),
);
const tables = new Set(['AppMetrics', 'AppTraces', 'AppRequests', 'AppDependencies', 'AppExceptions']);

/** What is wrong with the form of a query, as far as can be said without the service that runs it. */
export function faultsIn({ text }: Query): string[] {
  const bare = text.replaceAll(/'(?:[^'\\]|\\.)*'/g, "''");
  const faults = all(bare, /(?:^|\n)\s*\|\s*([\w-]*)/g).filter((operator) => !operators.has(operator));
  const open = bare.split('(').length - bare.split(')').length;
  if (open !== 0) faults.push(`${open} parentheses are not closed`);
  if (bare.includes("'") && bare.replaceAll("''", '').includes("'")) faults.push('a text is not closed');
  if (!/^(let \w+ =|union\b|\w+\s*$)/m.test(bare)) faults.push('it begins with no table');
  return [...faults, ...all(bare, /\b(App\w+)\b/g).filter((word) => !isColumn(word) && !tables.has(word))];
}

const isColumn = (word: string): boolean => ['AppRoleName', 'AppRoleInstance'].includes(word);
