import { readTrace, toInvocationTrace, toTraceFields, withSpan } from '../../src/tracing/trace-context';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const parent = `00-${traceId}-b7ad6b7169203331-01`;

describe('a trace parent', () => {
  it('is taken as it is, with its state', () => {
    expect(readTrace(parent)).toBe(parent);
    expect(toTraceFields(readTrace(parent, 'a=1,b=2')!)).toEqual({ traceParent: parent, traceState: 'a=1,b=2' });
    expect(toTraceFields(readTrace(parent)!)).toEqual({ traceParent: parent, traceState: '' });
  });

  it('of a later version is read as far as it is known', () => {
    expect(readTrace(`cc-${traceId}-b7ad6b7169203331-01`)).toBe(parent);
    expect(readTrace(`cc-${traceId}-b7ad6b7169203331-01-what-the-future-has`)).toBe(parent);
  });

  it.each([
    ['missing', undefined],
    ['empty', ''],
    ['version ff', `ff-${traceId}-b7ad6b7169203331-01`],
    ['a trace id of zeros', `00-${'0'.repeat(32)}-b7ad6b7169203331-01`],
    ['a span id of zeros', `00-${traceId}-${'0'.repeat(16)}-01`],
    ['upper case', parent.toUpperCase()],
    ['something behind it in version 00', `${parent}-02`],
    ['something right behind the flags of a later version', `cc-${traceId}-b7ad6b7169203331-01.x`],
    ['cut off', parent.slice(0, -1)],
    ['two headers joined', `${parent}, ${parent}`],
  ])('counts as none with %s', (_what, header) => {
    expect(readTrace(header)).toBeUndefined();
  });

  it('is kept without a state that is too long or has line breaks', () => {
    expect(readTrace(parent, `a=${'1'.repeat(511)}`)).toBe(parent);
    expect(readTrace(parent, 'a=1\nb=2')).toBe(parent);
    expect(readTrace(parent, '')).toBe(parent);
  });
});

describe('the trace context of an invocation', () => {
  const invocationId = '01234567-89ab-4cde-8f01-23456789abcd';

  it('is a span of its own in the trace of its parent', () => {
    const fields = toInvocationTrace(invocationId, readTrace(parent, 'a=1'));
    expect({ ...fields }).toEqual({ traceParent: `00-${traceId}-8f0123456789abcd-01`, traceState: 'a=1' });
  });

  it('is in a trace of its own without a parent, which nobody records', () => {
    expect({ ...toInvocationTrace(invocationId, undefined) }).toEqual({
      traceParent: '00-0123456789ab4cde8f0123456789abcd-8f0123456789abcd-00',
      traceState: '',
    });
  });
});

it('another span of a trace keeps its flags and its state', () => {
  expect(withSpan(readTrace(parent, 'a=1')!, '1234567890abcdef')).toBe(`00-${traceId}-1234567890abcdef-01 a=1`);
});
