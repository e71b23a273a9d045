export { type Clock, realClock } from './clock';
export { type Emulator, type EmulatorTls, startEmulator } from './emulator';
export { EmulatorError } from './emulator-error';
export type { EmulatorLog, EmulatorLogLevel } from './log';
export type { EmulatorOptions, Quotas, TlsOptions } from './options';
export type { SasKey } from './sas';
