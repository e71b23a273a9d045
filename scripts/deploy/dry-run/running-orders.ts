import { randomUUID } from 'node:crypto';
import { createBank } from '../../../test/support/bank';
import { until } from '../../../test/support/running-app';
import { askApp, describeAnswer } from '../app-client';

/** Orders that are under way while versions come and go: one of each kind of wait. */
export interface RunningOrders {
  /** Resolves when each of them has got to where it waits. */
  place(): Promise<void>;
  /** Gives each of them what it waits for, and resolves when all have completed, once; by another address, if one is given. */
  finish(at?: Place): Promise<void>;
}

/** Where an app is asked, and the key that it asks for. */
export interface Place {
  readonly url: string;
  readonly key: string;
}

interface ShownOrder {
  readonly status: string;
  readonly payment?: { readonly state: string };
}

const UNDECIDED = 'running, payment processing';

/** Milliseconds. */
const PATIENCE = 60_000;

const shown = (order: ShownOrder): string => `${order.status}, payment ${order.payment?.state ?? 'not begun'}`;

export function createRunningOrders(place: Place, settings: Readonly<Record<string, string>>): RunningOrders {
  let ask = askApp(place.url, place.key);
  const provider = settings['PAYMENT_PROVIDER_URL'] ?? '';
  const name = randomUUID().slice(0, 8);
  const bank = createBank(provider);
  const [approved, undecided, stalled] = [`${name}-approval`, `${name}-decision`, `${name}-payment`];
  const read = async (id: string): Promise<ShownOrder> => {
    const answer = await ask('GET', `/api/orders/${id}`);
    if (answer.status !== 200) throw new Error(`order ${id} was answered ${describeAnswer(answer)}`);
    return answer.body as ShownOrder;
  };
  const reaches = (id: string, where: string): Promise<true> => {
    let last = 'not asked';
    return until(`order ${id} is ${where}`, PATIENCE, async () => {
      last = shown(await read(id));
      return last === where ? true : undefined;
    }).catch((error: unknown) => Promise.reject(new Error(`${String(error)}; it is ${last}`)));
  };
  const send = async (path: string, body: object): Promise<void> => {
    const answer = await ask('POST', path, body);
    if (answer.status !== 202) throw new Error(`${path} was answered ${describeAnswer(answer)}`);
  };
  const order = (orderId: string, sku: string, quantity: number, paymentMethod: string): Promise<void> =>
    send('/api/orders', { orderId, customerId: 'DRYRUN', lines: [{ sku, quantity }], paymentMethod });

  return {
    async place() {
      await order(approved, 'coffee', 60, 'pm_card_visa');
      await order(undecided, 'mug', 1, 'pm_processing');
      await reaches(approved, 'awaitingApproval, payment not begun');
      await reaches(undecided, UNDECIDED);
      // Its request to the provider is under way while hosts are exchanged.
      await order(stalled, 'mug', 1, 'pm_stall_3000');
    },
    async finish(at = place) {
      ask = askApp(at.url, at.key);
      await reaches(approved, 'awaitingApproval, payment not begun');
      await send(`/api/orders/${approved}/approval`, { approved: true, by: 'the dry run' });
      await reaches(undecided, UNDECIDED);
      // It is told by a message.
      await bank.decide(undecided, { authorised: true });
      for (const id of [approved, undecided, stalled]) {
        await reaches(id, 'completed, payment captured');
        await expectOnce(id, settings);
      }
    },
  };
}

/** Throws unless the order was paid once and sent once. */
export async function expectOnce(orderId: string, settings: Readonly<Record<string, string>>): Promise<void> {
  const read = async (url: string): Promise<unknown> => (await fetch(url)).json();
  const { shipments } = (await read(`${settings['CARRIER_URL']}/shipments?orderId=${orderId}`)) as {
    shipments: unknown[];
  };
  const { payments } = (await read(`${settings['PAYMENT_PROVIDER_URL']}/_state?orderId=${orderId}`)) as {
    payments: unknown[];
  };
  if (shipments.length !== 1 || payments.length !== 1) {
    throw new Error(
      `order ${orderId}: expected one payment and one shipment, got ${payments.length} and ${shipments.length}`,
    );
  }
}
