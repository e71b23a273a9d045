import type { GeneratedOrder, GeneratedShop } from './generated-shop';
import type { RunningApp } from './running-app';

interface Payment {
  readonly orderId: string;
  readonly status: string;
  readonly amount: number;
  readonly received: number;
  readonly refunded: number;
}

interface Shipment {
  readonly orderId: string;
  readonly state: string;
}

interface PickUp {
  readonly returnId: string;
  readonly state: string;
}

interface Message {
  readonly messageId: string;
  readonly to: unknown;
  readonly subject: string;
}

export interface ListedOrder {
  readonly orderId: string;
  readonly status: string;
  readonly total: number;
}

export interface ListedReturn {
  readonly returnId: string;
  readonly status: string;
  readonly refunded: number;
  readonly lines: readonly { readonly sku: string; readonly accepted?: number; readonly refund?: number }[];
}

/** What all parts say of the orders of a shop, once all of them have ended. */
export interface Books {
  readonly counts: Readonly<Record<string, number>>;
  /** Whatever does not add up, in words; empty when nothing was lost or doubled. */
  readonly discrepancies: readonly string[];
}

/** All of the shop's orders, as the app lists them. */
export async function listOrders(app: RunningApp, prefix: string): Promise<ListedOrder[]> {
  const orders = await readPages<ListedOrder>(`${app.url}/api/orders?limit=500`, 'orders');
  return orders.filter(({ orderId }) => orderId.startsWith(prefix));
}

/** All returns of an order, as the app lists them. */
export function listReturns(app: RunningApp, orderId: string): Promise<ListedReturn[]> {
  return readPages<ListedReturn>(`${app.url}/api/orders/${orderId}/returns?limit=500`, 'returns');
}

/**
 * Compares the app's orders, returns and stock with what payment provider, carrier and mail server have: money taken is
 * that of the completed orders, money given back that of the completed returns, no money is held, stock is what they
 * left, each order has one shipment, each return one pick-up, each of both, by Message-ID, one mail, and a failed order one at
 * most.
 */
export async function balanceBooks(app: RunningApp, shop: GeneratedShop, prefix: string): Promise<Books> {
  const { PAYMENT_PROVIDER_URL: provider, CARRIER_URL: carrier, MAIL_CATCHER_URL: mail } = app.settings;
  const [listed, payments, shipments, pickUps, messages, products] = await Promise.all([
    listOrders(app, prefix),
    readPages<Payment>(`${provider}/_state?limit=10000`, 'payments'),
    readPages<Shipment>(`${carrier}/_state?limit=10000`, 'shipments'),
    readPages<PickUp>(`${carrier}/pick-ups?limit=10000`, 'pickUps'),
    readPages<Message>(`${mail}/messages?limit=1000`, 'messages'),
    readPages<{ sku: string; stock: number }>(`${app.url}/api/products?limit=500`, 'products'),
  ]);
  const found: string[] = [];
  const statusOf = new Map(listed.map(({ orderId, status }) => [orderId, status]));
  const totalOf = new Map(listed.map(({ orderId, total }) => [orderId, total]));
  const left = new Map(shop.stock);

  for (const order of shop.orders) {
    const { id, email, total, lines } = order;
    const status = statusOf.get(id) ?? 'missing';
    const isCompleted = status === 'completed';
    const say = (what: string): void => void found.push(`${id} (${status}): ${what}`);
    if (!['completed', 'compensated'].includes(status)) say('has not ended');
    if (totalOf.get(id) !== total) say(`expected a total of ${total}, got ${totalOf.get(id)}`);
    if (isCompleted) for (const { sku, quantity } of lines) left.set(sku, left.get(sku)! - quantity);

    const own = payments.filter(({ orderId }) => orderId === id);
    const received = own.map((payment) => payment.received).filter((amount) => amount > 0);
    const expected = isCompleted ? [total] : [];
    if (received.join() !== expected.join()) say(`expected payments of [${expected.join()}], got [${received.join()}]`);
    const held = own.filter(({ status: state }) => ['requires_capture', 'processing'].includes(state));
    if (held.length > 0) say(`${held.length} payments are still held`);

    const booked = shipments.filter(({ orderId, state }) => orderId === id && state === 'booked').length;
    if (booked !== (isCompleted ? 1 : 0)) say(`has ${booked} shipments`);
    const sent = messages.filter(({ to }) => JSON.stringify(to).includes(email));
    const mails = new Set(sent.filter((mail) => !tellsOfFailure(mail)).map(({ messageId }) => messageId));
    // It comes by an event, so it may still be on its way.
    const apologies = new Set(sent.filter(tellsOfFailure).map(({ messageId }) => messageId));
    if (apologies.size > (isCompleted ? 0 : 1)) say(`got ${apologies.size} different mails that say that it failed`);
    const returns = isCompleted ? await listReturns(app, id) : [];
    const arrived = returns.filter((found) => found.status === 'completed');
    const expectedMails = isCompleted ? 1 + arrived.length : 0;
    if (mails.size !== expectedMails) say(`expected ${expectedMails} different mails, got ${mails.size}`);
    const refunded = own.reduce((sum, payment) => sum + payment.refunded, 0);
    found.push(...checkReturns(order, { returns, refunded, pickUps }));
    for (const { sku, accepted = 0 } of arrived.flatMap((found) => found.lines))
      left.set(sku, left.get(sku)! + accepted);
  }
  for (const [sku, pieces] of left) {
    const stock = products.find((product) => product.sku === sku)?.stock;
    if (stock !== pieces) found.push(`${sku}: expected a stock of ${pieces}, got ${stock}`);
  }
  const counts: Record<string, number> = {};
  for (const status of statusOf.values()) counts[status] = (counts[status] ?? 0) + 1;
  return { counts, discrepancies: found };
}

function tellsOfFailure({ subject }: Message): boolean {
  return subject.includes('could not be carried out');
}

/** What does not add up of an order's returns. `refunded` is what the payment provider says. */
function checkReturns(
  { id, total, lines }: GeneratedOrder,
  books: { readonly returns: readonly ListedReturn[]; readonly refunded: number; readonly pickUps: readonly PickUp[] },
): string[] {
  const found: string[] = [];
  const owed = books.returns.reduce((sum, { refunded }) => sum + refunded, 0);
  if (books.refunded !== owed) found.push(`${id}: expected refunds of ${owed}, got ${books.refunded}`);
  const bought = lines.reduce((sum, { quantity }) => sum + quantity, 0);
  const back = books.returns.flatMap((each) => each.lines).reduce((sum, { accepted = 0 }) => sum + accepted, 0);
  if (back > bought) found.push(`${id}: ${back} of ${bought} pieces came back`);
  if (back === bought ? owed !== total : owed >= total && total > 0)
    found.push(`${id}: expected ${owed} for ${back} of ${bought} pieces, of ${total} in all`);
  for (const { returnId, status, lines: asked, refunded } of books.returns) {
    if (!['completed', 'compensated'].includes(status)) found.push(`${returnId} (${status}): has not ended`);
    const promised = asked.reduce((sum, { refund = 0 }) => sum + refund, 0);
    if (refunded !== promised) found.push(`${returnId} (${status}): expected refunds of ${promised}, got ${refunded}`);
    const states = books.pickUps.filter((each) => each.returnId === returnId && each.state !== 'cancelled');
    const expected = status === 'completed' ? ['collected'] : [];
    if (states.map(({ state }) => state).join() !== expected.join())
      found.push(`${returnId} (${status}): expected pick-ups [${expected.join()}], got ${JSON.stringify(states)}`);
  }
  return found;
}

/** All entries of a list that comes in pages: `next` is a path, or what to put behind `after`. */
export async function readPages<Entry>(first: string, name: string): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (let url: URL | undefined = new URL(first); url;) {
    const reply = await fetch(url);
    if (!reply.ok) throw new Error(`${url.href} answered ${reply.status}: ${await reply.text()}`);
    const page = (await reply.json()) as Record<string, unknown>;
    entries.push(...(page[name] as Entry[]));
    url = toNext(url, page['next']);
  }
  return entries;
}

function toNext(url: URL, next: unknown): URL | undefined {
  if (typeof next === 'string') return new URL(next, url);
  if (typeof next !== 'number') return undefined;
  const following = new URL(url);
  following.searchParams.set('after', `${next}`);
  return following;
}
