import { parseBlobPattern, parseBlobTemplate } from '../../src/triggers/blob-path';
import { createManualClock } from '../support/manual-clock';

describe('the path of a blob trigger', () => {
  it.each([
    ['imports/orders/{name}.csv', 'orders/may.csv', { name: 'may' }],
    ['imports/orders/{name}.csv', 'orders/2026/may.csv', { name: '2026/may' }],
    ['inbox/{name}.{ext}', 'sub/dir.nested.txt', { name: 'sub/dir.nested', ext: 'txt' }],
    ['inbox/{{draft}}-{name}', '{draft}-a', { name: 'a' }],
    ['inbox', 'any/thing', {}],
    ['inbox/{name}', 'a\nb', { name: 'a\nb' }],
  ])('%s takes %s', (path, name, params) => {
    expect(parseBlobPattern(path).match(name)).toEqual(params);
  });

  it.each([
    ['imports/orders/{name}.csv', 'orders/may.txt'],
    ['imports/orders/{name}.csv', 'orders/.csv'],
    ['imports/orders/{name}.csv', 'Orders/may.csv'],
    ['imports/orders/{name}.csv', 'orders/mayXcsv'],
  ])('%s leaves %s alone', (path, name) => {
    expect(parseBlobPattern(path).match(name)).toBeUndefined();
  });

  it('says what has to be listed', () => {
    expect(parseBlobPattern('imports/orders/{name}.csv')).toMatchObject({ container: 'imports', prefix: 'orders/' });
    expect(parseBlobPattern('inbox/{name}')).toMatchObject({ container: 'inbox', prefix: '' });
  });

  it.each([
    ['', 'must start with a container'],
    ['a/{name', "a '{' that is not closed"],
    ['a/name}', "a '}' without a '{'"],
    ['a/{x}/{x}', "parameter '{x}' appears twice"],
  ])("refuses '%s'", (path, message) => {
    expect(() => parseBlobPattern(path)).toThrow(message);
  });
});

const clock = createManualClock('2026-03-04T05:06:07.089Z');

describe('the path of a blob input or output', () => {
  it("is filled with the trigger's values, without regard to case", () => {
    const template = parseBlobTemplate('copies/{Name}-{metadata.author}.copy');
    expect(template.fill({ name: 'a/b', metadata: { author: 'ann' } }, clock)).toEqual({
      container: 'copies',
      blob: 'a/b-ann.copy',
    });
  });

  it('can hold a new id for each use', () => {
    const template = parseBlobTemplate('c/{rand-guid}');
    expect(template.fill({}, clock).blob).toMatch(/^[0-9a-f-]{36}$/);
    expect(template.fill({}, clock).blob).not.toBe(template.fill({}, clock).blob);
  });

  it('names the value that is missing and those that there are', () => {
    expect(() => parseBlobTemplate('c/{id}').fill({ name: 'x', metadata: {} }, clock)).toThrow(
      "path 'c/{id}': the trigger gave no value for '{id}'; it gave name.",
    );
  });
});
