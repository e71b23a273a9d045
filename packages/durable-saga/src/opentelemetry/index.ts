export { observeWithOpenTelemetry } from './observer';
export type { OpenTelemetryOptions } from './observer';
