/* global require, process, module */
// What an app does to have its sagas' attempts traced: OpenTelemetry's SDK, and an observer. Undefined where no setting says
// where spans go: then nothing is loaded.
module.exports = process.env.OTEL_EXPORTER_OTLP_ENDPOINT === undefined ? undefined : observe();

function observe() {
  const { context, propagation, trace } = require('@opentelemetry/api');
  const { AsyncLocalStorageContextManager } = require('@opentelemetry/context-async-hooks');
  const { W3CTraceContextPropagator } = require('@opentelemetry/core');
  const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-proto');
  const { BasicTracerProvider, BatchSpanProcessor } = require('@opentelemetry/sdk-trace-base');
  const { observeWithOpenTelemetry } = require('durable-saga/opentelemetry');
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(
    new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())] }),
  );
  return observeWithOpenTelemetry();
}
