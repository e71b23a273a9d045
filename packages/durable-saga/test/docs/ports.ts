/** What the examples need of the outside world. */
export interface Ports {
  readonly stock: {
    take(sku: string, key: string): Promise<void>;
    putBack(key: string): Promise<void>;
  };
  readonly bank: {
    hold(card: string, amount: number, key: string): Promise<{ holdId: string }>;
    release(key: string, holdId: string | undefined): Promise<void>;
    /** Rejects with a `StepFailure` when the card is declined. */
    charge(card: string, amount: number, key: string): Promise<void>;
    balance(account: string): Promise<number>;
  };
  readonly carrier: {
    collect(sku: string, key: string): Promise<void>;
  };
  readonly mail: {
    send(to: string, text: string, key: string): Promise<void>;
  };
}
