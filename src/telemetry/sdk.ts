import { DiagLogLevel, context, diag, metrics, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import {
  detectResources,
  envDetector,
  resourceFromAttributes,
  serviceInstanceIdDetector,
} from '@opentelemetry/resources';
import {
  AggregationTemporality,
  InstrumentType,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import type { PushMetricExporter } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { SpanExporter } from '@opentelemetry/sdk-trace-base';
import type { Clock } from '../ports';

/*
 * OpenTelemetry's SDK, put together. Only `start.ts` reaches this file, and only when telemetry is on: it takes a quarter of a
 * second to load. What the SDK's own variables say (`OTEL_*`: headers, sampler, batches, resource) it reads by itself.
 *
 * An exporter that fails loses telemetry, and nothing else: spans wait in a queue of bounded length, and what went wrong is
 * said once a minute.
 */

/** Where telemetry goes; at least one of the two is there. */
export interface ExportSettings {
  readonly serviceName: string;
  /** OTLP over HTTP, in protobuf, to the address in OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly otlp: boolean;
  readonly azureMonitor:
    | {
        readonly connectionString: string;
        /** Sign-in with Entra, as the identity with this client id if there is one; undefined: by the connection string alone. */
        readonly entra: { readonly clientId: string | undefined } | undefined;
      }
    | undefined;
  /** Milliseconds from one export of measures to the next. */
  readonly metricInterval: number;
}

export interface Sdk {
  /** Sends what waits, and ends. Takes bounded time, and never fails. */
  stop(): Promise<void>;
}

interface SdkOptions {
  readonly settings: ExportSettings;
  readonly clock: Clock;
  readonly warn: (message: string) => void;
}

interface Exporters {
  readonly spans: SpanExporter;
  readonly metrics: PushMetricExporter;
}

/** Milliseconds that a host which ends is kept waiting at most. */
const LONGEST_STOP = 5_000;

/** Registers the SDK with the API, for this process. */
export async function startSdk({ settings, clock, warn }: SdkOptions): Promise<Sdk> {
  const say = sayingSeldom(clock, warn);
  const ignore = (): void => undefined;
  const logger = { error: say, warn: say, info: ignore, debug: ignore, verbose: ignore };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  const exporters = await makeExporters(settings);
  const resource = resourceFromAttributes({ 'service.name': settings.serviceName }).merge(
    detectResources({ detectors: [serviceInstanceIdDetector, envDetector] }),
  );
  const tracers = new BasicTracerProvider({
    resource,
    spanProcessors: exporters.map(({ spans }) => new BatchSpanProcessor(spans)),
  });
  const meters = new MeterProvider({
    resource,
    readers: exporters.map(
      (exporter) =>
        new PeriodicExportingMetricReader({
          exporter: forgettingGauges(exporter.metrics),
          exportIntervalMillis: settings.metricInterval,
          exportTimeoutMillis: Math.min(settings.metricInterval, LONGEST_EXPORT),
        }),
    ),
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(
    new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()] }),
  );
  trace.setGlobalTracerProvider(tracers);
  metrics.setGlobalMeterProvider(meters);
  const end = async (provider: { shutdown(): Promise<void> }): Promise<void> => {
    try {
      await provider.shutdown();
    } catch (error) {
      say(`what was left could not be sent: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  return {
    async stop() {
      const isSent = await withinTime(Promise.all([end(tracers), end(meters)]));
      if (!isSent) say(`what was left could not be sent within ${LONGEST_STOP / 1000} s`);
      for (const api of [context, propagation, trace, metrics, diag]) api.disable();
    },
  };
}

const LONGEST_EXPORT = 30_000;

async function makeExporters({ otlp, azureMonitor }: ExportSettings): Promise<Exporters[]> {
  const exporters: Exporters[] = [];
  if (otlp) {
    const [{ OTLPTraceExporter }, { OTLPMetricExporter }] = await Promise.all([
      import('@opentelemetry/exporter-trace-otlp-proto'),
      import('@opentelemetry/exporter-metrics-otlp-proto'),
    ]);
    exporters.push({ spans: new OTLPTraceExporter(), metrics: new OTLPMetricExporter() });
  }
  if (azureMonitor) {
    const { AzureMonitorTraceExporter, AzureMonitorMetricExporter } =
      await import('@azure/monitor-opentelemetry-exporter');
    const { connectionString, entra } = azureMonitor;
    const options = { connectionString, ...(entra && { credential: await credentialOf(entra) }) };
    exporters.push({
      spans: new AzureMonitorTraceExporter(options),
      metrics: new AzureMonitorMetricExporter(options),
    });
  }
  return exporters;
}

async function credentialOf({ clientId }: { readonly clientId: string | undefined }) {
  const { ManagedIdentityCredential } = await import('@azure/identity');
  return new ManagedIdentityCredential(clientId === undefined ? {} : { clientId });
}

/**
 * Where measures add up, the SDK repeats what a gauge told last for as long as the process lives, though nobody tells it any
 * more. As a difference, which means nothing to a gauge otherwise, what is not told is not exported.
 */
export function forgettingGauges(exporter: PushMetricExporter): PushMetricExporter {
  const usual = exporter.selectAggregationTemporality?.bind(exporter);
  exporter.selectAggregationTemporality = (type) =>
    type === InstrumentType.OBSERVABLE_GAUGE
      ? AggregationTemporality.DELTA
      : (usual?.(type) ?? AggregationTemporality.CUMULATIVE);
  return exporter;
}

/** Whether `work` is done before the longest time that a stop may take. */
async function withinTime(work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), LONGEST_STOP);
  });
  const isDone = await Promise.race([work.then(() => true), late]);
  clearTimeout(timer);
  return isDone;
}

const SILENCE = 60_000;

/** The SDK says the same every few seconds while a collector is away. */
function sayingSeldom(clock: Clock, warn: (message: string) => void): (...message: readonly unknown[]) => void {
  let quietUntil = 0;
  return (...message) => {
    const now = clock.now().getTime();
    if (now < quietUntil) return;
    quietUntil = now + SILENCE;
    warn(`telemetry: ${message.map(String).join(' ').slice(0, 500)}`);
  };
}
