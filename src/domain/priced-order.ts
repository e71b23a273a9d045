import { hashBody } from './body-hash';
import type { CustomerId, OrderId, Sku } from './ids';
import { MAX_TOTAL, formatDecimal, lineAmount, parseDecimal } from './money';
import type { Decimal } from './money';
import type { NewOrder, OrderLine, Product } from './order';
import type { OrderRequest } from './order-request';
import type { Violation } from './violations';

export type Priced =
  { readonly ok: true; readonly order: NewOrder } | { readonly ok: false; readonly violations: readonly Violation[] };

/** A line as an import has it: it brings its own price (minor units) and discount (decimal text from "0" to "1"). */
export interface ImportedLine {
  readonly sku: Sku;
  readonly quantity: number;
  readonly unitPrice: number;
  readonly discount: string;
}

export interface ImportedOrder {
  readonly orderId: OrderId;
  readonly customerId: CustomerId;
  readonly email?: string | undefined;
  readonly paymentMethod: string;
  readonly lines: readonly ImportedLine[];
}

/** What tells a repeated request from another one under its id. Prices aren't in it: the catalogue's may change meanwhile. */
export function hashRequest({ customerId, email, paymentMethod, lines }: OrderRequest): string {
  return hashBody({ customerId, email, paymentMethod, lines });
}

/** Makes the order of a request, at the catalogue's prices; the violations name every product that doesn't exist. */
export function priceRequest(
  request: OrderRequest & { readonly orderId: OrderId },
  catalogue: ReadonlyMap<Sku, Product>,
  about: Pick<NewOrder, 'currency' | 'source'>,
): Priced {
  const violations: Violation[] = [];
  const lines: ImportedLine[] = [];
  for (const [index, { sku, quantity }] of request.lines.entries()) {
    const product = catalogue.get(sku);
    if (product) lines.push({ sku, quantity, unitPrice: product.unitPrice, discount: '0' });
    else violations.push(noSuchProduct(index, sku));
  }
  if (violations.length > 0) return { ok: false, violations };
  return toOrder({ ...request, lines }, { bodyHash: hashRequest(request), ...about });
}

/** Names every product that doesn't exist among those that a body names, which is not valid for other reasons. */
export function findUnknownProducts(
  named: ReadonlyMap<number, Sku>,
  catalogue: ReadonlyMap<Sku, Product>,
): readonly Violation[] {
  return [...named].filter(([, sku]) => !catalogue.has(sku)).map(([index, sku]) => noSuchProduct(index, sku));
}

/** Makes the order of an import, at its own prices, which are part of its hash. Whether its products exist isn't looked at. */
export function priceImport(imported: ImportedOrder, currency: string): Priced {
  const { customerId, email, paymentMethod } = imported;
  const lines = imported.lines.map((line) => ({ ...line, discount: canonical(line.discount) }));
  const bodyHash = hashBody({ customerId, email, paymentMethod, lines });
  return toOrder({ ...imported, lines }, { bodyHash, source: 'import', currency });
}

/** A discount as it is written in a file: decimal text from 0 to 1; undefined for anything else. */
export function parseDiscount(text: string): Decimal | undefined {
  const value = parseDecimal(text);
  return value && value.digits <= 10n ** BigInt(value.scale) ? value : undefined;
}

function canonical(discount: string): string {
  const value = parseDiscount(discount);
  return value ? formatDecimal(value) : discount;
}

function toOrder(
  { orderId, customerId, email, paymentMethod, lines }: ImportedOrder,
  about: Pick<NewOrder, 'bodyHash' | 'source' | 'currency'>,
): Priced {
  const violations: Violation[] = [];
  const priced: OrderLine[] = [];
  for (const [index, line] of lines.entries()) {
    const discount = parseDiscount(line.discount);
    if (!discount) {
      violations.push({
        path: `lines[${index}].discount`,
        message: `expected a decimal from 0 to 1, got "${line.discount}"`,
      });
      continue;
    }
    const amount = lineAmount({ quantity: line.quantity, unitPrice: line.unitPrice, discount });
    if (amount === undefined) violations.push({ path: `lines[${index}]`, message: tooMuch('the amount of the line') });
    else priced.push({ ...line, amount });
  }
  const total = priced.reduce((sum, line) => sum + line.amount, 0);
  if (violations.length === 0 && total > MAX_TOTAL) {
    violations.push({ path: 'lines', message: tooMuch('the total of the order') });
  }
  if (violations.length === 0 && total === 0) {
    violations.push({ path: 'lines', message: 'the total of the order is 0: there is nothing to pay' });
  }
  if (violations.length > 0) return { ok: false, violations };
  return { ok: true, order: { id: orderId, customerId, email, paymentMethod, lines: priced, total, ...about } };
}

function noSuchProduct(index: number, sku: Sku): Violation {
  return { path: `lines[${index}].sku`, message: `no product has the sku "${sku}"` };
}

function tooMuch(what: string): string {
  return `${what} is more than ${MAX_TOTAL} minor units, the largest payment`;
}
