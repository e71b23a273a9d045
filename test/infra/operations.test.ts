import { readdirSync } from 'node:fs';
import path from 'node:path';
import { parseDuration } from '../../src/domain/duration';
import { sagas } from '../../src/sagas';
import { metricAttributes, metricNames, spanAttributes } from '../../src/telemetry/names';
import { anchorsOf, sectionsOf } from '../docs/markdown';
import { appFunctions } from '../support/app-functions';
import {
  attributesIn,
  faultsIn,
  functionsIn,
  messagesIn,
  metricsIn,
  queriesOf,
  readAlerts,
  readText,
  readWorkbook,
} from './queries';

const alerts = readAlerts();
const workbook = readWorkbook();
const runbook = readText('docs/runbook.md');
const queries = queriesOf(alerts, workbook, runbook);
const everyAlert = [...alerts.queries, ...alerts.metrics];

/** What `found` has and `known` has not, with the query that it stands in. */
const unknown = (found: (query: (typeof queries)[number]) => string[], known: readonly string[]): string[] =>
  queries.flatMap((query) =>
    found(query)
      .filter((name) => !known.includes(name))
      .map((name) => `${query.where}: ${name}`),
  );

const sources = ['src', 'packages/durable-saga/src'].flatMap((folder) =>
  readdirSync(path.join(__dirname, '../..', folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readText(path.join(folder, name))),
);

describe('the queries of dashboard, alerts and runbook', () => {
  it('are whole', () => {
    expect(queries.flatMap((query) => faultsIn(query).map((fault) => `${query.where}: ${fault}`))).toEqual([]);
    expect(queries.length).toBeGreaterThan(30);
  });

  it('ask for measures, attributes and functions that the app has', async () => {
    expect(unknown(metricsIn, Object.values(metricNames))).toEqual([]);
    expect(unknown(attributesIn, [...Object.values(metricAttributes), ...Object.values(spanAttributes)])).toEqual([]);
    const functions = (await appFunctions()).map(({ name }) => name);
    expect(unknown(functionsIn, functions)).toEqual([]);
    expect(queries.flatMap(functionsIn)).not.toEqual([]);
  });

  it('look for log lines that the app writes', () => {
    expect(queries.flatMap(messagesIn)).not.toEqual([]);
    const isWritten = (message: string): boolean => sources.some((source) => source.includes(message));
    expect(queries.flatMap(messagesIn).filter((message) => !isWritten(message))).toEqual([]);
  });

  it('show or watch every measure and every attribute of a measure', () => {
    const asked = queries.filter(({ where }) => !where.startsWith('runbook'));
    expect(Object.values(metricNames).filter((name) => !asked.flatMap(metricsIn).includes(name))).toEqual([]);
    expect(Object.values(metricAttributes).filter((name) => !asked.flatMap(attributesIn).includes(name))).toEqual([]);
  });

  it('know each saga and how old it may get', () => {
    const query = alerts.queries.find(({ id }) => id === 'oldest-saga')?.query.join('\n') ?? '';
    const limits = new Map([...query.matchAll(/'(\w+)', (\d+)/g)].map(([, saga = '', hours]) => [saga, Number(hours)]));
    expect([...limits.keys()].sort()).toEqual(sagas.map(({ name }) => name).sort());
    const hours = (text: string): number => (parseDuration(text) ?? Number.NaN) / 3_600_000;
    expect(limits.get('placeOrder')).toBeGreaterThanOrEqual(hours('24 hours') + hours('3 days'));
    expect(limits.get('returnOrder')).toBeGreaterThanOrEqual(hours('14 days'));
  });
});

describe('the workbook', () => {
  it('has a name for each item and uses only its own parameters', () => {
    const names = workbook.items.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    const parameters = workbook.items.flatMap((item) =>
      item.type === 9 ? item.content.parameters.map((parameter) => parameter.name) : [],
    );
    const used = workbook.items.flatMap((item) =>
      item.type === 3
        ? [
            ...[...`${item.content.query} ${item.content.title}`.matchAll(/\{(\w+)(?::\w+)?\}/g)].map(
              ([, name]) => name,
            ),
            item.content.timeContextFromParameter,
          ]
        : [],
    );
    expect([...new Set(used)].sort()).toEqual([...parameters].sort());
  });

  it('is opened on the workspace that its module is given', () => {
    expect(readText('infra/operations/workbook.bicep')).toContain("loadTextContent('workbook.json'), '<workspace id>'");
  });

  it.each([
    ['an item of another kind', (text: string) => text.replace('"type": 3', '"type": 4')],
    ['a chart that does not exist', (text: string) => text.replace('"barchart"', '"barcart"')],
    ['a workspace of its own', (text: string) => text.replace('<workspace id>', '/subscriptions/1')],
  ])('is refused with %s', (_what, change) => {
    const text = readText('infra/operations/workbook.json');
    expect(change(text)).not.toBe(text);
    expect(() => readWorkbook(change(text))).toThrow();
  });
});

describe('the alerts', () => {
  it('have names of their own', () => {
    expect(new Set(everyAlert.map(({ id }) => id)).size).toBe(everyAlert.length);
  });

  it('have a section of the runbook that names them', () => {
    const sections = sectionsOf(runbook);
    const anchors = anchorsOf(runbook);
    expect(everyAlert.filter((alert) => !anchors.includes(alert.runbook)).map(({ id }) => id)).toEqual([]);
    const isNamed = ({ id, runbook: anchor }: (typeof everyAlert)[number]): boolean =>
      sections.get(anchor)?.includes(`\`${id}\``) ?? false;
    expect(everyAlert.filter((alert) => !isNamed(alert)).map(({ id }) => id)).toEqual([]);
  });

  it('are all that the runbook speaks of', () => {
    const lines = runbook.split('\n').filter((line) => line.startsWith('**You notice**'));
    const named = lines.flatMap((line) =>
      [...line.matchAll(/alert ((?:`[\w-]+`(?:, | or |, then )?)+)/g)].flatMap(([, list = '']) =>
        [...list.matchAll(/`([\w-]+)`/g)].map(([, id = '']) => id),
      ),
    );
    expect(named.filter((id) => !everyAlert.some((alert) => alert.id === id))).toEqual([]);
    expect(named.length).toBeGreaterThanOrEqual(everyAlert.length - 3);
  });

  it('measure a column that their query makes, by dimensions that it has', () => {
    const made = (query: readonly string[], column: string): boolean =>
      new RegExp(`\\b${column} =|project [^|]*\\b${column}\\b|by [^|]*\\b${column}\\b`).test(query.join('\n'));
    const columns = ({ dimensions }: (typeof everyAlert)[number]) => ['Value', ...dimensions.map(({ name }) => name)];
    expect(alerts.queries.flatMap((alert) => columns(alert).filter((column) => !made(alert.query, column)))).toEqual(
      [],
    );
  });

  it('have all that their module reads of them', () => {
    const bicep = readText('infra/operations/alerts.bicep');
    const [head = '', ofQueries = '', ofMetrics = ''] = bicep.split(/^resource (?=queryAlerts|metricAlerts)/m);
    const read = (text: string) => [...new Set([...text.matchAll(/\balert\.(\w+)/g)].map(([, key = '']) => key))];
    expect(read(head)).toEqual([]);
    expect(read(ofQueries).filter((key) => alerts.queries.some((alert) => !(key in alert)))).toEqual([]);
    expect(read(ofMetrics).filter((key) => alerts.metrics.some((alert) => !(key in alert)))).toEqual([]);
    expect(read(ofQueries)).toEqual(expect.arrayContaining(['threshold', 'severity', 'runbook', 'query']));
  });
});
