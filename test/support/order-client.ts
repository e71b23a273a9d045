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
  readonly waitingFor?: { readonly event?: string; readonly until?: string };
  readonly steps: readonly { readonly name: string; readonly state: string }[];
}

export interface ShownReturn {
  readonly returnId: string;
  readonly status: string;
  readonly reason?: { readonly code: string; readonly message: string };
  readonly refunded: number;
  readonly pickUp?: { readonly state: string; readonly pickUpId: string };
}

/** A pick-up as the carrier has it. */
interface PickUpState {
  readonly pickUpId: string;
  readonly state: string;
}

/** A payment as the provider has it. */
interface PaymentState {
  readonly status: string;
  readonly amount: number;
  readonly received: number;
  readonly refunded: number;
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
  const pickUps = async (returnId: string): Promise<readonly PickUpState[]> =>
    ((await standIn('CARRIER_URL', `/pick-ups?returnId=${returnId}`)) as { pickUps: PickUpState[] }).pickUps;
  return {
    call,
    show,
    pickUps,
    startReturn: (orderId: string, body: unknown) => call('POST', `orders/${orderId}/returns`, body),
    /** Follows a return until `status`, or to its end. */
    followReturn: (id: string, status = 'the end', withinMs = 30_000) =>
      until(`return ${id} reaches ${status}`, withinMs, async () => {
        const { body, ...answer } = await call('GET', `returns/${id}`);
        if (answer.status !== 200) throw new Error(`GET returns/${id} answered ${answer.status}`);
        const found = body as ShownReturn;
        const isThere = found.status === status || (FINAL.includes(found.status) && found.status !== 'parked');
        return isThere ? found : undefined;
      }),
    /** The carrier's driver collects the return's parcel; the carrier tells the app. */
    collect: (returnId: string) =>
      until(`${returnId} is collected`, 10_000, async () => {
        const [pickUp] = (await pickUps(returnId)).filter(({ state }) => state !== 'cancelled');
        if (!pickUp) throw new Error(`expected a pick-up of ${returnId}, found none`);
        const url = `${settings['CARRIER_URL']}/pick-ups/${pickUp.pickUpId}/collect`;
        // It may fail on purpose.
        return (await fetch(url, { method: 'POST' })).ok || undefined;
      }),
    place: (body: unknown) => call('POST', 'orders', body),
    /** An order that was sent as a message is there once the app has taken the message. */
    appears: (id: string) =>
      until(`order ${id} is there`, 60_000, async () => {
        const { status } = await call('GET', `orders/${id}`);
        return status === 404 ? undefined : status;
      }),
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
