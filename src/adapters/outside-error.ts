/** Which outside system did not answer as it should. */
type OutsideSystem = 'payment' | 'carrier' | 'mail';

/**
 * Why nobody knows whether the effect came about, by what there is to do about it:
 * - `Unreachable`: no connection; the system or its address is wrong or down.
 * - `Timeout`: no answer in time.
 * - `Failed`: the system says that it failed itself.
 * - `Busy`: it works on the same request already, or asks for fewer requests.
 * - `Rejected`: it does not accept our request; a setting (key, address) or our own code is wrong.
 * - `Unexpected`: its answer makes no sense to us.
 */
export type OutsideTrouble = 'Unreachable' | 'Timeout' | 'Failed' | 'Busy' | 'Rejected' | 'Unexpected';

export type OutsideErrorCode =
  | `${OutsideSystem}${OutsideTrouble}`
  /** Money that was to be let go of has been taken: only a refund, somebody's decision, brings it back. */
  | 'paymentAlreadyCaptured';

/** An outside system left the outcome of a request open. */
export class OutsideError extends Error {
  readonly code: OutsideErrorCode;

  constructor(code: OutsideErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'OutsideError';
    this.code = code;
  }
}
