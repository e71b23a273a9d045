import { toCamelCase } from '../../src/app/camel-case';
import { expandBraces } from '../../src/app/entry-points';
import { createHooks } from '../../src/app/hooks';
import { toJsonText, typedDataToBytes, typedDataToJsonText } from '../../src/app/typed-data';

describe('values at the border of the app', () => {
  it.each([
    [undefined, 'null'],
    [null, 'null'],
    ['a"b', '"a\\"b"'],
    [Number.NaN, 'null'],
    [{ a: [1, undefined] }, '{"a":[1,null]}'],
    [Buffer.from('abc'), '"YWJj"'],
    [new Uint8Array([97]).buffer, '"YQ=="'],
    [() => 1, 'null'],
  ])('%p is the JSON text %s', (value, text) => {
    expect(toJsonText(value)).toBe(text);
  });

  it.each([
    [undefined, 'null'],
    [{ string: '{"a":1}' }, '"{\\"a\\":1}"'],
    [{ json: '{"a":1}' }, '{"a":1}'],
    [{ int: 5 }, '5'],
    [{ double: 1.5 }, '1.5'],
    [{ bytes: Buffer.from('abc') }, '"YWJj"'],
  ])('%j is the JSON text %s', (data, text) => {
    expect(typedDataToJsonText(data)).toBe(text);
  });

  it('are bytes where bytes are asked for', () => {
    expect(typedDataToBytes({ string: 'é' }).toString('hex')).toBe('c3a9');
    expect(typedDataToBytes({ json: '{"a":1}' }).toString()).toBe('{"a":1}');
    expect(
      typedDataToBytes({
        bytes: new Uint8Array(Buffer.from('xabc').buffer, Buffer.from('xabc').byteOffset).subarray(0, 1),
      }),
    ).toHaveLength(1);
  });

  it('have keys with a small first letter in trigger metadata, at every depth', () => {
    expect(toCamelCase({ ABc: [{ DeF: null }], g: 'H' })).toEqual({ aBc: [{ deF: null }], g: 'H' });
  });
});

describe('braces in main', () => {
  it.each([
    ['a.js', ['a.js']],
    ['{a,b}.js', ['a.js', 'b.js']],
    [
      'src/{x,y/{1,2}}/*.{c,m}js',
      ['src/x/*.cjs', 'src/x/*.mjs', 'src/y/1/*.cjs', 'src/y/1/*.mjs', 'src/y/2/*.cjs', 'src/y/2/*.mjs'],
    ],
    ['odd{name.js', ['odd{name.js']],
  ])('%s stands for %j', (pattern, expected) => {
    expect(expandBraces(pattern)).toEqual(expected);
  });
});

describe('hooks of an app', () => {
  it('run one after another in the order of their registration, until they are disposed of', async () => {
    const hooks = createHooks();
    const seen: string[] = [];
    const undo = hooks.register('appStart', async () => {
      await Promise.resolve();
      seen.push('first');
    });
    hooks.register('appStart', () => seen.push('second'));
    await hooks.run('appStart', {});
    undo();
    await hooks.run('appStart', {});
    expect(seen).toEqual(['first', 'second', 'second']);
  });

  it('of an unknown name are refused with the error that the library looks for', () => {
    const register = (): unknown => createHooks().register('nosuch', () => undefined);
    expect(register).toThrow(RangeError);
    expect(register).toThrow("Unknown hook 'nosuch'");
    expect(register).toThrow(expect.objectContaining({ isAzureFunctionsSystemError: true }) as Error);
  });
});
