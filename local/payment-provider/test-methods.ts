/** Why a card says no, as Stripe's `code` and `decline_code`. */
export interface Decline {
  readonly code: string;
  readonly declineCode: string;
  readonly message: string;
}

/** How a payment method behaves. */
export interface TestMethod {
  readonly authoriseDecline?: Decline;
  /** The authorisation is decided after its answer: when this time has passed, or when somebody says so. */
  readonly decidesLater?: { readonly afterMs?: number; readonly decline?: Decline };
  readonly captureDecline?: Decline;
  /** Refunds are made and fail, giving nothing back. */
  readonly failsRefunds?: boolean;
  /** How long the authorisation takes, in milliseconds; money is held at the end of that time. */
  readonly authoriseStallMs: number;
  /** How long the capture takes; money is taken at the end of that time. */
  readonly captureStallMs: number;
}

const willing: TestMethod = { authoriseStallMs: 0, captureStallMs: 0 };

const generic: Decline = { code: 'card_declined', declineCode: 'generic_decline', message: 'The card was declined.' };
const insufficient: Decline = {
  code: 'card_declined',
  declineCode: 'insufficient_funds',
  message: 'The card was declined: not enough money on it.',
};
const atCapture: Decline = { ...generic, message: 'The bank refused to pay out what it had authorised.' };

/**
 * The names with a capital letter in them are those of Stripe's own test mode, so that a test can run against both. It has none
 * whose manual capture begins with `processing`: its slow bank accounts take the money at once.
 */
const METHODS: ReadonlyMap<string, TestMethod> = new Map([
  ['pm_card_visa', willing],
  ['pm_card_mastercard', willing],
  ['pm_card_declined', { ...willing, authoriseDecline: generic }],
  ['pm_card_visa_chargeDeclined', { ...willing, authoriseDecline: generic }],
  ['pm_card_insufficient', { ...willing, authoriseDecline: insufficient }],
  ['pm_card_visa_chargeDeclinedInsufficientFunds', { ...willing, authoriseDecline: insufficient }],
  ['pm_capture_declined', { ...willing, captureDecline: atCapture }],
  ['pm_refund_failed', { ...willing, failsRefunds: true }],
  ['pm_processing', { ...willing, decidesLater: {} }],
]);

const LONGEST_MS = 600_000;

/** Those with a time in their name exist for every time up to ten minutes. */
const TIMED: Readonly<Record<string, (ms: number) => TestMethod>> = {
  pm_stall: (ms) => ({ ...willing, authoriseStallMs: ms }),
  pm_capture_stall: (ms) => ({ ...willing, captureStallMs: ms }),
  pm_processing: (ms) => ({ ...willing, decidesLater: { afterMs: ms } }),
  pm_processing_declined: (ms) => ({ ...willing, decidesLater: { afterMs: ms, decline: insufficient } }),
};

/** The method of this name, e.g. `pm_card_visa` or `pm_stall_500`. */
export function findTestMethod(name: string): TestMethod | undefined {
  const [, timed = '', digits] = /^(pm_[a-z_]+)_(\d{1,6})$/.exec(name) ?? [];
  const ms = Number(digits);
  return METHODS.get(name) ?? (ms <= LONGEST_MS ? TIMED[timed]?.(ms) : undefined);
}
