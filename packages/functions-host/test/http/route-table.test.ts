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
    ['api/{*rest}', '/api/', {}],
    ['api/{**rest}', '/api/a%2Fb//c/', { rest: 'a%2Fb//c/' }],
    ['api/{a=x}/{b:int=5}', '/api/q', { a: 'q', b: '5' }],
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
    ['a/{id}', '/a/%zz%20%e4', { id: '%zz %e4' }],
    ['a/{id}', '/a/%3F%23%25%2B+', { id: '?#%++' }],
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

  it.each([
    ['int', ['0', '-5', '+7', '2147483647', ' 1'], ['2147483648', '1.0', 'x', '1e3']],
    ['long', ['9223372036854775807', '-9223372036854775808'], ['9223372036854775808', '1.5']],
    ['bool', ['true', 'FALSE'], ['1', 'yes']],
    ['decimal', ['1', '-1.50', '.5', '1,000.5'], ['1e3', 'NaN', '79228162514264337593543950336']],
    ['double', ['1', '-1.5e-3', '.5', '1,000', 'NaN', '-Infinity'], ['x', '1.2.3', '1e']],
    ['float', ['1.5E+3'], ['0x10']],
    [
      'guid',
      [
        '2320211824f34acd9cd34ba90a89fd73',
        '23202118-24F3-4acd-9cd3-4ba90a89fd73',
        '{23202118-24f3-4acd-9cd3-4ba90a89fd73}',
      ],
      ['23202118', '{23202118-24f3-4acd-9cd3-4ba90a89fd73)', '2320211824f3-4acd-9cd3-4ba90a89fd73'],
    ],
    [
      'datetime',
      [
        '2026-11-21',
        '2026-11-21T08:31:32Z',
        '2026-11-21 8:31 pm',
        '11-21-2026',
        'Sat, 21 Nov 2026 08:31:32 GMT',
        '12:30',
        'Nov 21, 2026',
      ],
      ['item 5', '2026-02-30', '2026-13-01', '25:00', '5', 'x2026-11-21'],
    ],
    ['alpha', ['abcXYZ'], ['abc1', 'ä']],
    ['minlength(2)', ['ab'], ['a']],
    ['maxlength(2)', ['ab'], ['abc']],
    ['length(2)', ['ab'], ['a', 'abc']],
    ['length(1,2)', ['a', 'ab'], ['abc']],
    ['min(3)', ['3', '900719925474099300'], ['2', 'x']],
    ['max(3)', ['3', '-7'], ['4']],
    ['range(-1,1)', ['-1', '0', '1'], ['2', '-2']],
    ['regex(^\\d{{2}}$)', ['12'], ['1', '123']],
    ['regex(^(a|b):(c|d)$)', ['A:D'], ['a:x']],
    ['regex(^\\p{{L}}+$)', ['äß'], ['1']],
    ['required', ['x'], []],
    ['file', ['a.txt'], ['a', 'a.']],
    ['nonfile', ['a', 'a.'], ['a.txt']],
    ['int:min(5)', ['5'], ['4', 'x']],
  ])('{id:%s} takes %j and not %j', (constraint, taken, refused) => {
    const takes = (value: string): boolean =>
      find([`a/{id:${constraint}}`], `/a/${encodeURIComponent(value)}`) !== undefined;
    expect(taken.filter((value) => !takes(value))).toEqual([]);
    expect(refused.filter(takes)).toEqual([]);
  });

  it('prefers literals to constrained parameters to parameters to catch-alls, whatever the order of registration', () => {
    const templates = ['a/{*rest}', 'a/{id}', 'a/{id:int}', 'a/new'];
    expect(find(templates, '/a/new')?.target).toBe('a/new');
    expect(find(templates, '/a/12')?.target).toBe('a/{id:int}');
    expect(find(templates, '/a/xy')?.target).toBe('a/{id}');
    expect(find(templates, '/a/x/y')?.target).toBe('a/{*rest}');
    expect(find(['{x}/b', 'a/{*rest}'], '/a/b')?.target).toBe('a/{*rest}');
    expect(find(['a/{x}', 'a/v{x}', 'a/{x:alpha}'], '/a/v1')?.target).toBe('a/v{x}');
    expect(find(['{*all}', '{*some:regex(^b)}'], '/bc')?.target).toBe('{*some:regex(^b)}');
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
