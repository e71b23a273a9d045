/**
 * Which traces are recorded, by `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG` as OpenTelemetry defines them.
 *
 * Not the SDK's own samplers: the host samples each invocation, also while the SDK is not loaded. By ratio it decides as
 * the SDK does, so that an app with the same setting records the same traces.
 */

/** The flags (two hexadecimal digits) of a span: of one in this trace, whose parent has these flags if there is one. */
export type Sampler = (traceId: string, parentFlags: string | undefined) => string;

const on = '01';
const off = '00';

/** @returns the sampler, and what is wrong with the settings: the default takes the place of one that can't be read. */
export function readSampler(
  name: string | undefined,
  argument: string | undefined,
): { readonly sampler: Sampler; readonly fault?: string } {
  const text = name === undefined || name === '' ? 'parentbased_always_on' : name.toLowerCase();
  const ratio = argument === undefined || argument === '' ? 1 : Number(argument);
  const isRatio = text.endsWith('traceidratio');
  if (isRatio && !(ratio >= 0 && ratio <= 1)) {
    const fault = `OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1, got '${argument ?? ''}'; all traces are recorded.`;
    return { sampler: parentBased(() => on), fault };
  }
  const roots: Readonly<Record<string, Sampler>> = {
    always_on: () => on,
    always_off: () => off,
    traceidratio: (traceId) => (sumOf(traceId) < Math.floor(ratio * 0xffffffff) ? on : off),
  };
  const root = roots[text.replace(/^parentbased_/, '')];
  if (root === undefined) {
    const known = Object.keys(roots).flatMap((kind) => [kind, `parentbased_${kind}`]);
    const fault = `OTEL_TRACES_SAMPLER must be one of ${known.join(', ')}, got '${name ?? ''}'; all traces are recorded.`;
    return { sampler: parentBased(() => on), fault };
  }
  return { sampler: text.startsWith('parentbased_') ? parentBased(root) : root };
}

function parentBased(root: Sampler): Sampler {
  return (traceId, parentFlags) => parentFlags ?? root(traceId, undefined);
}

/** A number from 0 to 2^32 - 1 that is as good as random and the same each time for a trace. */
function sumOf(traceId: string): number {
  let sum = 0;
  for (let at = 0; at < 32; at += 8) sum = (sum ^ Number.parseInt(traceId.slice(at, at + 8), 16)) >>> 0;
  return sum;
}
