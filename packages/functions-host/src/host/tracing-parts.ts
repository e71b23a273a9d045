import type { HostLog } from '../log';
import { messageOf } from '../supervisor/failures';
import { readSampler } from '../tracing/sampler';
import { createTracer, type HostTracer, type SpanSink } from '../tracing/tracer';
import type { TelemetryMode } from './host-json';
import type { Settings } from './settings';

const LOG_CATEGORY = 'Host.OpenTelemetry';

/**
 * The tracer of a host, if host.json and the settings ask for one: as on Azure, `telemetryMode` must be OpenTelemetry and
 * there must be a place for the spans. Without one nothing of OpenTelemetry is loaded.
 */
export function openTracer(mode: TelemetryMode, settings: Settings, log: HostLog): HostTracer | undefined {
  if (mode !== 'OpenTelemetry' || settings.get('OTEL_SDK_DISABLED')?.trim().toLowerCase() === 'true') return undefined;
  const hasEndpoint =
    isSet(settings, 'OTEL_EXPORTER_OTLP_ENDPOINT') || isSet(settings, 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT');
  if (!hasEndpoint && !isSet(settings, 'APPLICATIONINSIGHTS_CONNECTION_STRING')) return undefined;
  const warn = (message: string): void => log.log('Warning', LOG_CATEGORY, message);
  const { sampler, fault } = readSampler(settings.get('OTEL_TRACES_SAMPLER'), settings.get('OTEL_TRACES_SAMPLER_ARG'));
  if (fault !== undefined) warn(fault);
  const obstacle = hasEndpoint ? findObstacle(settings) : undefined;
  if (obstacle !== undefined) warn(`The host's own spans are not exported: ${obstacle}`);
  const isExporting = hasEndpoint && obstacle === undefined && exportersOf(settings).includes('otlp');
  const open = async (): Promise<SpanSink> => {
    try {
      const { openOtlpSink } = await import('../tracing/otlp-sink');
      return openOtlpSink({
        serviceName: settings.get('WEBSITE_SITE_NAME') ?? 'unknown_service:functions-host',
        failed: (reason) => warn(`Spans could not be exported and are lost: ${reason}`),
      });
    } catch (error) {
      warn(`The host's own spans are not exported: ${messageOf(error)}`);
      return { add: () => undefined, close: () => Promise.resolve() };
    }
  };
  return createTracer(sampler, isExporting ? open : undefined);
}

function isSet(settings: Settings, name: string): boolean {
  return (settings.get(name) ?? '').trim() !== '';
}

function exportersOf(settings: Settings): string[] {
  const named = settings.get('OTEL_TRACES_EXPORTER') ?? '';
  return named.trim() === '' ? ['otlp'] : named.split(',').map((name) => name.trim().toLowerCase());
}

function findObstacle(settings: Settings): string | undefined {
  const name = ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL'].find((each) =>
    isSet(settings, each),
  );
  const protocol = name === undefined ? undefined : settings.get(name);
  if (protocol !== undefined && protocol !== 'http/protobuf') {
    return `${name ?? ''} is '${protocol}', and this host speaks http/protobuf only.`;
  }
  const unknown = exportersOf(settings).filter((exporter) => exporter !== 'otlp' && exporter !== 'none');
  return unknown.length === 0
    ? undefined
    : `OTEL_TRACES_EXPORTER names ${unknown.map((each) => `'${each}'`).join(', ')}, and this host knows otlp and none.`;
}
