import type { RegisteredFunction } from '../../src/app/registered-function';
import { toTemplate } from '../../src/http/http-functions';

const toFunction = (route: unknown): RegisteredFunction => {
  const trigger = { type: 'httpTrigger', name: 'request', direction: 'in', route } as const;
  return { name: 'hello', trigger, bindings: { request: trigger }, callback: () => undefined };
};

describe('the route of a function', () => {
  it.each([
    [undefined, 'api', 'api/hello'],
    ['', 'api', 'api/hello'],
    [' ', '', 'hello'],
    ['/', 'api', 'api'],
    ['/', '', ''],
    ['/items/{id}', 'api', 'api/items/{id}'],
  ])('given as %j below the prefix %j is %j', (route, prefix, template) => {
    expect(toTemplate(toFunction(route), prefix)).toBe(template);
  });
});
