import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock';
import { readTrace } from '../tracing/trace-context';
import type { Attributes, Tracer } from '../tracing/tracer';
import type { HttpCall, HttpInvoker } from './http-invocation';
import { standBelow, toSpanError, type SpanAbout } from './invocation-span';

/** What a request says of itself. */
export interface RequestAbout {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Template of the function's route with the prefix: `api/orders/{id}`. */
  readonly route: string;
}

/** Tells of each request to a function as a span, which is what the function sees as its trace context. */
export function traceRequests(inner: HttpInvoker, tracer: Tracer, clock: Clock): HttpInvoker {
  return {
    async invoke(runtime, call: HttpCall) {
      const { headers } = call;
      const parent = readTrace(headers['traceparent'], headers['tracestate']);
      const invocationId = randomUUID();
      const { traceContext, span } = standBelow(parent, tracer, runtime, invocationId, () => toHttpSpan(call));
      const startAt = clock.now();
      const end = (status: number, error?: string): void => {
        if (span === undefined) return;
        const attributes: Attributes = {
          ...span.attributes,
          'http.response.status_code': status,
          ...(status >= 500 && { 'error.type': String(status) }),
        };
        tracer.record({
          ...span,
          attributes,
          startAt,
          endAt: clock.now(),
          error: error ?? (status >= 500 ? '' : undefined),
        });
      };
      try {
        const answer = await inner.invoke(runtime, { ...call, placed: { invocationId, traceContext } });
        end(answer?.status ?? 204);
        return answer;
      } catch (error) {
        end(500, toSpanError(error));
        throw error;
      }
    },
  };
}

/** A request by OpenTelemetry's conventions for servers; its name has the route as the real host writes it. */
export function toHttpSpan({ method, url, headers, route }: RequestAbout): SpanAbout {
  const { protocol, hostname, port, pathname, search } = new URL(URL.canParse(url) ? url : 'http://unknown/');
  const userAgent = headers['user-agent'];
  return {
    ...{ name: `${method} ${route}`, kind: 'server', scope: 'Microsoft.Azure.WebJobs' },
    attributes: {
      'http.request.method': method,
      'http.route': route,
      'url.scheme': protocol.slice(0, -1),
      'url.path': pathname,
      ...(search !== '' && { 'url.query': redact(search.slice(1)) }),
      'server.address': hostname,
      ...(port !== '' && { 'server.port': Number(port) }),
      ...(userAgent !== undefined && { 'user_agent.original': userAgent }),
    },
  };
}

/** A key in the query opens functions: no trace shall hold one. */
function redact(query: string): string {
  return query.replace(/(^|&)(code|sig)=[^&]*/gi, '$1$2=REDACTED');
}
