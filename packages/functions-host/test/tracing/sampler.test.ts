import { TraceIdRatioBasedSampler, SamplingDecision } from '@opentelemetry/sdk-trace-base';
import { ROOT_CONTEXT } from '@opentelemetry/api';
import { readSampler } from '../../src/tracing/sampler';
import { newTrace, traceIdOf } from '../../src/tracing/trace-context';

const traceId = '0af7651916cd43dd8448eb211c80319c';

describe('the sampler', () => {
  it.each([
    [undefined, '01', '00'],
    ['', '01', '00'],
    ['parentbased_always_on', '01', '00'],
    ['PARENTBASED_ALWAYS_OFF', '00', '00'],
    ['always_on', '01', '01'],
    ['always_off', '00', '00'],
  ])('%s gives a first span %s and one below a parent that is not sampled %s', (name, first, below) => {
    const { sampler, fault } = readSampler(name, undefined);
    expect([sampler(traceId, undefined), sampler(traceId, '00'), fault]).toEqual([first, below, undefined]);
  });

  it('keeps the flags of a sampled parent', () => {
    expect(readSampler('parentbased_always_off', undefined).sampler(traceId, '03')).toBe('03');
  });

  it("decides by ratio as OpenTelemetry's SDK does", () => {
    const { sampler } = readSampler('parentbased_traceidratio', '0.3');
    const reference = new TraceIdRatioBasedSampler(0.3);
    const ids = Array.from({ length: 500 }, () => traceIdOf(newTrace('00')));
    const expected = ids.map((id) =>
      reference.shouldSample(ROOT_CONTEXT, id).decision === SamplingDecision.RECORD_AND_SAMPLED ? '01' : '00',
    );
    expect(ids.map((id) => sampler(id, undefined))).toEqual(expected);
    expect(new Set(expected)).toEqual(new Set(['00', '01']));
  });

  it('of settings that make no sense records all, and says what is wrong', () => {
    const unknown = readSampler('sometimes', undefined);
    expect(unknown.sampler(traceId, undefined)).toBe('01');
    expect(unknown.fault).toMatch(/^OTEL_TRACES_SAMPLER must be one of always_on, .*, got 'sometimes';/);
    const ratio = readSampler('traceidratio', '2');
    expect(ratio.sampler(traceId, undefined)).toBe('01');
    expect(ratio.fault).toMatch(/^OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1, got '2';/);
  });
});
