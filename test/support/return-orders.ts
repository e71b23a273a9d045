import { listReturns, readPages } from './balance-books';
import type { ListedOrder } from './balance-books';
import type { GeneratedShop } from './generated-shop';
import type { RunningApp } from './running-app';

interface PickUp {
  readonly pickUpId: string;
  readonly returnId: string;
  readonly state: string;
  readonly lines: readonly Line[];
}

interface Line {
  readonly sku: string;
  readonly quantity: number;
}

/** What happens to the parcel of a return: all of it is collected, one piece is missing, or the customer keeps it. */
type Fate = 'whole' | 'short' | 'kept';

interface Wish {
  readonly returnId: string;
  readonly lines: readonly Line[];
  readonly fate: Fate;
}

/** Customers and carrier of a shop whose orders come back, while the app may be dead at any moment. */
export interface Returning {
  /** Sends what is due now. What gets no answer is sent again the next time, under the same id. */
  goOn(listed: readonly ListedOrder[]): Promise<void>;
  /** The returns that have not ended yet, in words; undefined while the app can't be asked. */
  findOpen(): Promise<readonly string[] | undefined>;
  /** How many orders had something sent back. */
  readonly count: () => number;
}

export function createReturning(app: RunningApp, shop: GeneratedShop): Returning {
  const wishes = new Map(shop.orders.map((order, n) => [order.id, toWishes(order.id, toPieces(order.lines), n)]));
  const fates = new Map([...wishes.values()].flat().map(({ returnId, fate }) => [returnId, fate]));
  const told = new Set<string>();
  const asked = new Set<string>();

  const post = async (url: string, body: unknown): Promise<number | undefined> => {
    const sent = fetch(url, { method: 'POST', body: JSON.stringify(body) });
    return sent.then(({ status }) => status).catch(() => undefined);
  };
  /** Whether it was taken or refused for good. */
  const isDecided = (status: number | undefined): boolean => status !== undefined && status < 500;

  async function sendBack({ orderId, status }: ListedOrder): Promise<void> {
    if (status !== 'completed') return;
    for (const { returnId, lines } of wishes.get(orderId) ?? []) {
      if (told.has(returnId)) continue;
      if (isDecided(await post(`${app.url}/api/orders/${orderId}/returns`, { returnId, lines }))) told.add(returnId);
      asked.add(orderId);
    }
  }

  async function fetchParcel({ pickUpId, returnId, state, lines }: PickUp): Promise<void> {
    const fate = fates.get(returnId);
    if (state !== 'booked' || fate === undefined) return;
    if (fate === 'kept') {
      await post(`${app.url}/api/returns/${returnId}/cancel`, { reason: 'I like it now' });
      return;
    }
    const [first, ...others] = lines;
    const short = first && first.quantity > 1 ? [{ ...first, quantity: first.quantity - 1 }, ...others] : lines;
    // It may fail on purpose.
    await post(
      `${app.settings['CARRIER_URL']}/pick-ups/${pickUpId}/collect`,
      fate === 'short' ? { lines: short } : { lines },
    );
  }

  return {
    count: () => asked.size,
    async goOn(listed) {
      for (const order of listed) await sendBack(order);
      const pickUps = await readPages<PickUp>(`${app.settings['CARRIER_URL']}/pick-ups?limit=10000`, 'pickUps');
      for (const pickUp of pickUps) await fetchParcel(pickUp);
    },
    async findOpen() {
      try {
        const untold = [...asked].flatMap((id) => wishes.get(id) ?? []).filter(({ returnId }) => !told.has(returnId));
        const lists = await Promise.all([...asked].map((id) => listReturns(app, id)));
        const running = lists.flat().filter(({ status }) => !status.startsWith('comp'));
        return [
          ...untold.map(({ returnId }) => `${returnId} is not told`),
          ...running.map(({ returnId, status }) => `${returnId} is ${status}`),
        ];
      } catch {
        return undefined;
      }
    },
  };
}

/** Of four orders one comes back whole, one in two parts, one is wanted back by two returns at once, and one is kept. */
function toWishes(orderId: string, pieces: readonly Line[], n: number): readonly Wish[] {
  const id = (own: string): string => `${orderId}.${own}`;
  const [first, ...others] = pieces;
  switch (n % 4) {
    case 0:
      return [{ returnId: id('all'), lines: pieces, fate: 'whole' }];
    case 1: {
      const one = first ? [{ ...first, quantity: 1 }] : [];
      const rest = first && first.quantity > 1 ? [{ ...first, quantity: first.quantity - 1 }, ...others] : others;
      const parts: Wish[] = [{ returnId: id('one'), lines: one, fate: 'whole' }];
      return rest.length === 0 ? parts : [...parts, { returnId: id('rest'), lines: rest, fate: 'short' }];
    }
    case 2:
      return ['a', 'b'].map((own) => ({ returnId: id(own), lines: pieces, fate: 'whole' }));
    default:
      return [{ returnId: id('kept'), lines: pieces, fate: 'kept' }];
  }
}

/** One line a product: an order may name it in several. */
function toPieces(lines: readonly Line[]): readonly Line[] {
  const pieces = new Map<string, number>();
  for (const { sku, quantity } of lines) pieces.set(sku, (pieces.get(sku) ?? 0) + quantity);
  return [...pieces].map(([sku, quantity]) => ({ sku, quantity }));
}
