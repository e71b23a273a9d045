export { startHost } from './host/host';
export type { Host, HostOptions } from './host/options';
export { StartError } from './host/start-error';
export type { Clock, Scheduled } from './clock';
