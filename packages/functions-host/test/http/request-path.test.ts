import { toPath } from '../../src/http/request-path';

describe('the path of a request', () => {
  it.each([
    ['/api/a', '/api/a'],
    ['/', '/'],
    ['/api/a.b/..c/...', '/api/a.b/..c/...'],
    ['/api/../admin/host/keys', '/admin/host/keys'],
    ['/api/%2e%2E/admin', '/admin'],
    ['/api/a/./b/.', '/api/a/b/'],
    ['/../../a', '/a'],
    ['/api/a/..', '/api/'],
    ['/api/a%2F..%2Fb', '/api/a%2F..%2Fb'],
    ['/api//a', '/api//a'],
  ])('%s is %s', (target, path) => {
    expect(toPath(target)).toBe(path);
  });
});
