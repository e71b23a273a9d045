export { startHost, type RunningHost } from './supervisor/start-host';
export type { StartOptions } from './supervisor/start-options';
export { StartError } from './host/start-error';
