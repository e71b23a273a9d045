import type { Failure } from '../definition/failure';

/**
 * What an operation came to. `failed` is thrown into the body that asked for it; `ended` ends the saga without asking
 * anybody; `halted` is of no interest any more, since what it was for has come to its end otherwise.
 */
export type Done =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'failed'; readonly failure: Failure }
  | { readonly kind: 'ended'; readonly failure: Failure }
  | typeof HALTED;

export const HALTED = { kind: 'halted' } as const;
