import { setTimeout as wait } from 'node:timers/promises';

/** An order as the list of orders shows it; money in minor units. */
export interface ListedOrder {
  readonly orderId: string;
  readonly status: string;
  readonly total: number;
}

export interface ShownOrder extends ListedOrder {
  readonly payment?: { readonly state: string; readonly amount: number };
}

export interface ListedProduct {
  readonly sku: string;
  readonly stock: number;
}

/** The app's HTTP API, as far as it is needed to follow orders. */
export interface AppClient {
  /** Rejects with what to do when nothing answers. */
  requireRunning(): Promise<void>;
  /** Orders whose id starts with `prefix`, newest first; those of one run stand together in the list. */
  listOrders(prefix: string): Promise<ListedOrder[]>;
  showOrder(id: string): Promise<ShownOrder>;
  /** False when the order does not wait for approval any more. */
  approve(id: string): Promise<boolean>;
  listProducts(): Promise<ListedProduct[]>;
}

const PAGE = 500;

/** `key` is a function key, for hosts that ask for one. Requests are tried again while the app is away for less than `patience` ms. */
export function createAppClient(baseUrl: string, key: string | undefined, patience: number): AppClient {
  const headers = key === undefined ? {} : { 'x-functions-key': key };

  async function request(path: string, init: RequestInit = {}): Promise<Response> {
    const deadline = performance.now() + patience;
    for (let pause = 100; ; pause = Math.min(pause * 2, 2_000)) {
      try {
        const response = await fetch(new URL(path, baseUrl), {
          ...init,
          headers: { ...headers, 'content-type': 'application/json' },
          signal: AbortSignal.timeout(30_000),
        });
        if (response.status < 500 || performance.now() > deadline) return response;
      } catch (error) {
        if (performance.now() > deadline) throw away(baseUrl, error);
      }
      await wait(pause);
    }
  }

  async function read<Body>(path: string): Promise<Body> {
    const response = await request(path);
    if (!response.ok) throw new Error(`GET ${path} answered ${response.status}: ${await response.text()}`);
    return (await response.json()) as Body;
  }

  return {
    async requireRunning() {
      try {
        const response = await fetch(new URL('/api/products?limit=1', baseUrl), { headers });
        if (!response.ok) throw new Error(`it answered ${response.status}: ${await response.text()}`);
      } catch (error) {
        throw away(baseUrl, error);
      }
    },

    async listOrders(prefix) {
      const orders: ListedOrder[] = [];
      for (let next: string | undefined = `/api/orders?limit=${PAGE}`; next !== undefined;) {
        const page: { orders: ListedOrder[]; next?: string } = await read(next);
        const own = page.orders.filter(({ orderId }) => orderId.startsWith(prefix));
        orders.push(...own);
        next = own.length > 0 ? page.next : undefined;
      }
      return orders;
    },

    showOrder: (id) => read(`/api/orders/${encodeURIComponent(id)}`),

    async approve(id) {
      const path = `/api/orders/${encodeURIComponent(id)}/approval`;
      const response = await request(path, {
        method: 'POST',
        body: JSON.stringify({ approved: true, by: 'northwind' }),
      });
      if (response.ok) return true;
      if (response.status === 409) return false;
      throw new Error(`POST ${path} answered ${response.status}: ${await response.text()}`);
    },

    async listProducts() {
      const products: ListedProduct[] = [];
      for (let next: string | undefined = `/api/products?limit=${PAGE}`; next !== undefined;) {
        const page: { products: ListedProduct[]; next?: string } = await read(next);
        products.push(...page.products);
        next = page.next;
      }
      return products;
    },
  };
}

function away(baseUrl: string, error: unknown): Error {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  return new Error(
    `The app does not answer at ${baseUrl} (${String(cause)}). Start it with \`npm start\`, or say --url.`,
  );
}
