import type { ProviderEvent } from '../../local/payment-provider/events';
import { readJson } from './start-stand-ins';

type ToldEvent = ProviderEvent & { readonly isTold: boolean };

/** The bank behind the payment provider at this address: who decides what is still processing, and sees what is told of it. */
export function createBank(provider: string) {
  const post = async (path: string, body: unknown): Promise<void> => {
    const answer = await fetch(`${provider}${path}`, { method: 'POST', body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
  };
  const eventsOf = async (orderId: string): Promise<readonly ToldEvent[]> =>
    (await readJson<{ events: ToldEvent[] }>(`${provider}/_events?orderId=${encodeURIComponent(orderId)}`)).events;
  return {
    /** Decides about the one payment of an order. Rejects when it is not processing. */
    async decide(orderId: string, decision: { readonly authorised: boolean; readonly code?: string }): Promise<void> {
      const { payments } = await readJson<{ payments: { id: string }[] }>(`${provider}/_state?orderId=${orderId}`);
      const [payment, ...others] = payments;
      if (payment === undefined || others.length > 0)
        throw new Error(`expected one payment of order ${orderId}, got ${payments.length}`);
      await post(`/_payments/${payment.id}/decide`, decision);
    },
    /** What the provider had to tell of an order, oldest first. */
    eventsOf,
    /** Tells it again, under the same id. */
    resend: (eventId: string) => post(`/_events/${eventId}/resend`, {}),
  };
}
