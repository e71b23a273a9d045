import type { Clock } from '../ports';

/** The wall clock; everything else asks a `Clock`. */
export const systemClock: Clock = { now: () => new Date() };
