import type { RunningApp } from './running-app';
import { until } from './running-app';

export interface HttpAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly location: string | undefined;
  readonly body: unknown;
}

export interface ShownOrder {
  readonly orderId: string;
  readonly status: string;
  readonly total: number;
  readonly reason?: { readonly code: string; readonly message: string };
  readonly payment?: { readonly state: string; readonly amount: number; readonly intentId: string };
  readonly shipment?: { readonly state: string; readonly shipmentId: string; readonly tracking: string };
  readonly tracking?: string;
  readonly steps: readonly { readonly name: string; readonly state: string }[];
}

/** A payment as the provider has it. */
interface PaymentState {
  readonly status: string;
  readonly amount: number;
  readonly received: number;
}

const FINAL = ['completed', 'compensated', 'compensationFailed', 'parked'];

/** The running app as its users, and whoever looks at its stand-ins, see it. */
export function createOrderClient(app: RunningApp) {
  const { url, settings } = app;
  const call = async (method: string, path: string, body?: unknown): Promise<HttpAnswer> => {
    const reply = await fetch(`${url}/api/${path}`, {
      method,
      ...(body !== undefined && {
        body: typeof body === 'string' ? body : JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      }),
    });
    const text = await reply.text();
    return {
      status: reply.status,
      contentType: reply.headers.get('content-type') ?? '',
      location: reply.headers.get('location') ?? undefined,
      body: text === '' ? undefined : (JSON.parse(text) as unknown),
    };
  };
  const show = async (id: string): Promise<ShownOrder> => {
    const answer = await call('GET', `orders/${id}`);
    if (answer.status !== 200) throw new Error(`GET orders/${id} answered ${answer.status}: ${JSON.stringify(answer)}`);
    return answer.body as ShownOrder;
  };
  const standIn = async (setting: string, path: string): Promise<unknown> => {
    const reply = await fetch(`${settings[setting]}${path}`);
    if (!reply.ok) throw new Error(`${setting}${path} answered ${reply.status}`);
    return reply.json();
  };
  return {
    call,
    show,
    place: (body: unknown) => call('POST', 'orders', body),
    /** Follows an order until `status`, or to its end. */
    follow: (id: string, status = 'the end', withinMs = 30_000) =>
      until(`order ${id} reaches ${status}`, withinMs, async () => {
        const order = await show(id);
        return order.status === status || FINAL.includes(order.status) ? order : undefined;
      }),
    stock: async (sku: string): Promise<number | undefined> => {
      const { body } = await call('GET', 'products?limit=500');
      const { products } = body as { products: { sku: string; stock: number }[] };
      return products.find((product) => product.sku === sku)?.stock;
    },
    payments: async (id: string) =>
      ((await standIn('PAYMENT_PROVIDER_URL', `/_state?orderId=${id}`)) as { payments: PaymentState[] }).payments,
    shipments: async (id: string) =>
      ((await standIn('CARRIER_URL', `/_state?orderId=${id}`)) as { shipments: { shipmentId: string }[] }).shipments,
    mails: async (to: string) => {
      const found = await standIn('MAIL_CATCHER_URL', `/messages?to=${encodeURIComponent(to)}`);
      return (found as { messages: { subject: string; text: string; messageId: string }[] }).messages;
    },
  };
}
