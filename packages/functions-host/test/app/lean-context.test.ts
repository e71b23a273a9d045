import { HttpRequest, InvocationContext } from '@azure/functions';
import { type HttpRequestClass, toDirectRequestClass } from '../../src/app/direct-request';
import { toLeanContextClass } from '../../src/app/lean-context';
import type { InvocationContextClass } from '../../src/app/programming-model';

const contextClass = InvocationContext as unknown as InvocationContextClass;
const requestClass = HttpRequest as unknown as HttpRequestClass;

describe('a lean context', () => {
  const lines: unknown[][] = [];
  const init = {
    invocationId: 'id',
    functionName: 'hello',
    logHandler: (...line: unknown[]) => void lines.push(line),
    traceContext: { traceParent: '00-1', traceState: '' },
    options: { trigger: { type: 'httpTrigger', name: 'req' }, return: undefined, extraInputs: [], extraOutputs: [] },
  };

  it("has the properties of the library's own, and is an instance of its class", () => {
    const [lean, own] = [new (toLeanContextClass(contextClass))(init), new contextClass(init)];
    expect(lean).toBeInstanceOf(InvocationContext);
    expect(lean.constructor.name).toBe('InvocationContext');
    expect(Object.keys(lean).sort()).toEqual(Object.keys(own).sort());
    expect({ ...lean, extraInputs: undefined, extraOutputs: undefined }).toMatchObject({
      ...own,
      extraInputs: undefined,
      extraOutputs: undefined,
    });
  });

  it('logs what the own one logs', () => {
    const say = (context: InvocationContext): unknown[][] => {
      lines.length = 0;
      for (const method of ['log', 'trace', 'debug', 'info', 'warn', 'error'] as const) context[method]('a', method);
      return [...lines];
    };
    const lean = new (toLeanContextClass(contextClass))(init) as unknown as InvocationContext;
    expect(say(lean)).toEqual(say(new contextClass(init) as unknown as InvocationContext));
    expect(lines).toHaveLength(6);
  });

  it('keeps values by name or by binding', () => {
    const { extraInputs, extraOutputs } = new (toLeanContextClass(contextClass))(init) as unknown as InvocationContext;
    extraInputs.set('a', 1);
    extraOutputs.set({ name: 'b', type: 'blob' }, 2);
    expect([extraInputs.get({ name: 'a', type: 'blob' }), extraInputs.get('b'), extraOutputs.get('b')]).toEqual([
      1,
      undefined,
      2,
    ]);
  });

  it('is not made when the library has members that are not known here', () => {
    class Newer extends contextClass {
      flush(): void {
        lines.length = 0;
      }
    }
    expect(toLeanContextClass(Newer)).toBe(Newer);
  });
});

describe('a direct request', () => {
  const direct = toDirectRequestClass(requestClass);
  const principal = { auth_typ: 'aad', name_typ: 'n', role_typ: 'r', claims: [{ typ: 'n', val: 'Ann' }] };
  const headers = {
    'x-ms-client-principal': Buffer.from(JSON.stringify(principal)).toString('base64'),
    'x-ms-client-principal-name': 'Ann',
    'x-ms-client-principal-id': '7',
    'x-ms-client-principal-idp': 'aad',
  };
  const url = 'http://x/a?b=%C3%A9&b=2+3';

  it("is an instance of the library's class with its query, parameters and user", () => {
    if (direct === undefined) throw new Error('No class was made.');
    const request = new direct('POST', url, headers, Buffer.from('body'), { id: '5' }) as unknown as HttpRequest;
    const own = new HttpRequest({ method: 'POST', url, headers, body: { string: 'body' }, params: { id: '5' } });
    expect(request).toBeInstanceOf(HttpRequest);
    expect([...request.query]).toEqual([...own.query]);
    expect([request.params, request.user, request.url]).toEqual([own.params, own.user, own.url]);
  });

  it('is copied to one whose body can be read as well', async () => {
    if (direct === undefined) throw new Error('No class was made.');
    const request = new direct('POST', url, headers, Buffer.from('body'), { id: '5' }) as unknown as HttpRequest;
    const copy = request.clone();
    expect(copy).toBeInstanceOf(HttpRequest);
    expect([await copy.text(), await request.text(), copy.params]).toEqual(['body', 'body', { id: '5' }]);
  });
});
