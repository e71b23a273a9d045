import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { toMermaid } from 'durable-saga/diagram';
import { sagas } from '../../src/sagas';
import { sagaScripts } from './saga-scripts';

const root = path.resolve(__dirname, '../..');
const filesOf = (folder: string): string[] => readdirSync(path.join(root, folder));

/** Files of the folder that define a saga. */
const sagaFiles = filesOf('orchestrations').filter((file) =>
  readFileSync(path.join(root, 'orchestrations', file), 'utf8').includes('= saga('),
);

describe('the diagrams', () => {
  it('are of all sagas of the app', () => {
    expect(Object.keys(sagaScripts).sort()).toEqual(sagaFiles.map((file) => file.replace(/\.ts$/, '')).sort());
  });

  it('are of what the app registers', () => {
    const names = Object.values(sagaScripts).map(({ saga }) => saga.name);
    expect(sagas.map(({ name }) => name).sort()).toEqual(names.sort());
  });

  it.each(Object.entries(sagaScripts))('show every step of the code of %s', (file, { draw }) => {
    const code = readFileSync(path.join(root, 'orchestrations', `${file}.ts`), 'utf8');
    const called = [...code.matchAll(/saga\.(?:step|call|pivot)\((\w+)/g)].map(([, name]) => name ?? '');
    expect(called.length).toBeGreaterThan(0);
    expect(draw().nodes.map(({ name }) => name)).toEqual(expect.arrayContaining(called));
  });

  it.each(Object.entries(sagaScripts))('are drawn the same each time (%s)', (_file, { draw }) => {
    expect(toMermaid(draw())).toBe(toMermaid(draw()));
  });
});
