export interface Stock {
  take(sku: string, key: string): Promise<{ shelf: string }>;
  putBack(key: string): Promise<void>;
}
export interface Payments {
  charge(card: string, amount: number, key: string): Promise<'charged' | 'declined'>;
}
export interface Carrier {
  collect(shelf: string, key: string): Promise<{ tracking: string }>;
}
