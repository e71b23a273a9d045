import { createRouteTable } from '../../src/http/route-table';

const find = (templates: string[], path: string, method = 'GET') =>
  createRouteTable(templates.map((template) => ({ template, methods: ['GET'], target: template }))).find(method, path);

describe('route templates', () => {
  it.each([
    ['api/hello', '/api/hello', {}],
    ['api/hello', '/API/Hello', {}],
    ['api/hello', '/api/hello/', {}],
    ['api/items/{id}', '/api/items/Ab', { id: 'Ab' }],
    ['api/items/{id:int?}', '/api/items/5', { id: '5' }],
    ['api/items/{id:int?}', '/api/items', {}],
    ['api/{*rest}', '/api/a/b/c', { rest: 'a/b/c' }],
    ['api/{*rest}', '/api', {}],
    ['api/{page=1}', '/api', { page: '1' }],
    ['files/{name}.{ext?}', '/files/a.b.csv', { name: 'a.b', ext: 'csv' }],
    ['files/{name}.{ext?}', '/files/readme', { name: 'readme' }],
    ['v{major}.{minor}/x', '/v1.20/x', { major: '1', minor: '20' }],
    ['a/{id:regex(^\\d{{3}}-x$)}', '/a/123-X', { id: '123-X' }],
    ['a/{id:regex(^b/c$)?}', '/a', {}],
    ['a/{id:length(2,3)}', '/a/abc', { id: 'abc' }],
    ['a/{id:range(5,7)}', '/a/6', { id: '6' }],
    ['a/{id:guid}', '/a/2320211824f34acd9cd34ba90a89fd73', { id: '2320211824f34acd9cd34ba90a89fd73' }],
    ['a/{id}', '/a/x%20y%C3%A9', { id: 'x yé' }],
    ['a/{id}', '/a/x%2Fy', { id: 'x%2Fy' }],
    ['a/{id}', '/a/%zz', { id: '%zz' }],
    ['', '/', {}],
  ])('%s matches %s', (template, path, params) => {
    expect(find([template], path)?.params).toEqual(params);
  });

  it.each([
    ['api/items/{id:int}', '/api/items/abc'],
    ['api/items/{id:int}', '/api/items/99999999999'],
    ['api/items/{id}', '/api/items'],
    ['api/hello', '/api/hello/there'],
    ['api/hello', '/api'],
    ['a/{id:alpha}', '/a/1'],
    ['a/{id:min(3)}', '/a/2'],
    ['a/{id:maxlength(2)}', '/a/abc'],
    ['a/{id:bool}', '/a/yes'],
    ['files/{name}.csv', '/files/a.txt'],
  ])('%s does not match %s', (template, path) => {
    expect(find([template], path)).toBeUndefined();
  });

  it('prefers literals to constrained parameters to parameters to catch-alls, whatever the order of registration', () => {
    const templates = ['a/{*rest}', 'a/{id}', 'a/{id:int}', 'a/new'];
    expect(find(templates, '/a/new')?.target).toBe('a/new');
    expect(find(templates, '/a/12')?.target).toBe('a/{id:int}');
    expect(find(templates, '/a/xy')?.target).toBe('a/{id}');
    expect(find(templates, '/a/x/y')?.target).toBe('a/{*rest}');
  });

  it('passes over a route whose methods do not fit, so that a catch-all may answer', () => {
    const table = createRouteTable([
      { template: 'a/new', methods: ['POST'], target: 'create' },
      { template: '{*rest}', methods: ['GET', 'POST'], target: 'unknown' },
    ]);
    expect(table.find('POST', '/a/new')?.target).toBe('create');
    expect(table.find('GET', '/a/new')).toEqual({ target: 'unknown', params: { rest: 'a/new' } });
    expect(table.find('HEAD', '/a/new')).toBeUndefined();
  });

  it.each([
    ['a/{id', "a '{' is never closed"],
    ['a/id}', "a '}' has no '{' before it"],
    ['a/{id:nosuch}', "constraint ':nosuch' is not known"],
    ['a/{id}/{ID}', "parameter 'ID' appears twice"],
    ['{*rest}/a', 'a catch-all must be the last segment'],
    ['{id?}/a', "optional parameter 'id' is followed by a required segment"],
    ['a//b', 'it has an empty segment'],
    ['a/{id:length(x)}', "expected a whole number, got 'x'"],
  ])('refuses %s and says why', (template, reason) => {
    expect(() => find([template], '/')).toThrow(`Route '${template}' is not valid: ${reason}`);
  });
});
