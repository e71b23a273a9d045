/** Why a card says no, as Stripe's `code` and `decline_code`. */
export interface Decline {
  readonly code: string;
  readonly declineCode: string;
  readonly message: string;
}

/** How a payment method behaves. */
export interface TestMethod {
  readonly authoriseDecline?: Decline;
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

/** The names with a capital letter in them are those of Stripe's own test mode, so that a test can run against both. */
const METHODS: ReadonlyMap<string, TestMethod> = new Map([
  ['pm_card_visa', willing],
  ['pm_card_mastercard', willing],
  ['pm_card_declined', { ...willing, authoriseDecline: generic }],
  ['pm_card_visa_chargeDeclined', { ...willing, authoriseDecline: generic }],
  ['pm_card_insufficient', { ...willing, authoriseDecline: insufficient }],
  ['pm_card_visa_chargeDeclinedInsufficientFunds', { ...willing, authoriseDecline: insufficient }],
  ['pm_capture_declined', { ...willing, captureDecline: atCapture }],
  ['pm_refund_failed', { ...willing, failsRefunds: true }],
]);

const LONGEST_STALL_MS = 600_000;

/** The method of this name; `pm_stall_<ms>` and `pm_capture_stall_<ms>` exist for every time up to ten minutes. */
export function findTestMethod(name: string): TestMethod | undefined {
  const [, at, digits] = /^pm_(capture_)?stall_(\d{1,6})$/.exec(name) ?? [];
  if (digits === undefined) return METHODS.get(name);
  const ms = Number(digits);
  if (ms > LONGEST_STALL_MS) return undefined;
  return at === undefined ? { ...willing, authoriseStallMs: ms } : { ...willing, captureStallMs: ms };
}
