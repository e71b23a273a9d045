import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Summary as ShipmentSummary } from '../../local/carrier/summary';
import { startCarrier } from '../../local/carrier/carrier';
import type { MailSummary } from '../../local/mail-catcher/mailbox';
import { startMailCatcher } from '../../local/mail-catcher/mail-catcher';
import type { ReadableMessage } from '../../local/mail-catcher/message';
import type { Summary as PaymentSummary } from '../../local/payment-provider/accounts';
import type { Publish } from '../../local/payment-provider/events';
import { startPaymentProvider } from '../../local/payment-provider/payment-provider';
import type { FaultSettings } from '../../local/stand-in/faults';

/** The three stand-ins, in this process, on free ports and with a folder of their own. */
export interface StandIns {
  /** The settings that point at them, named as in local.settings.json. */
  readonly settings: {
    readonly PAYMENT_PROVIDER_URL: string;
    readonly PAYMENT_PROVIDER_KEY: string;
    readonly CARRIER_URL: string;
    readonly SMTP_URL: string;
    readonly MAIL_CATCHER_URL: string;
  };
  setFaults(of: 'payments' | 'carrier' | 'mails', faults: Partial<FaultSettings>): Promise<void>;
  readPayments(): Promise<PaymentSummary>;
  readShipments(): Promise<ShipmentSummary>;
  readMailSummary(): Promise<MailSummary>;
  readMails(to?: string): Promise<readonly ReadableMessage[]>;
  /** Ends them and removes their data. */
  close(): Promise<void>;
}

interface Options {
  /** Milliseconds since the Unix epoch. */
  readonly now?: () => number;
  /** Where the payment provider's events go; nowhere by default. */
  readonly publish?: Publish;
}

export async function startStandIns(options: Options = {}): Promise<StandIns> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'stand-ins-'));
  const now = options.now ?? Date.now;
  const url = new URL('http://127.0.0.1:0');
  const payments = await startPaymentProvider({ url, dataDir, now, publish: options.publish ?? (async () => {}) });
  const carrier = await startCarrier({ url, dataDir, now });
  const mails = await startMailCatcher({ smtpUrl: new URL('smtp://127.0.0.1:0'), httpUrl: url, dataDir, now });
  const addresses = { payments: payments.url, carrier: carrier.url, mails: mails.httpUrl };
  return {
    settings: {
      PAYMENT_PROVIDER_URL: payments.url,
      PAYMENT_PROVIDER_KEY: 'sk_test_stand_ins',
      CARRIER_URL: carrier.url,
      SMTP_URL: mails.smtpUrl,
      MAIL_CATCHER_URL: mails.httpUrl,
    },
    setFaults: async (of, faults) => setFaults(addresses[of], faults),
    readPayments: async () => readJson<PaymentSummary>(`${payments.url}/_state/summary`),
    readShipments: async () => readJson<ShipmentSummary>(`${carrier.url}/_state/summary`),
    readMailSummary: async () => readJson<MailSummary>(`${mails.httpUrl}/messages/summary`),
    async readMails(to) {
      const filter = to === undefined ? '' : `&to=${encodeURIComponent(to)}`;
      const { messages } = await readJson<{ messages: ReadableMessage[] }>(
        `${mails.httpUrl}/messages?limit=1000${filter}`,
      );
      return messages;
    },
    async close() {
      await Promise.all([payments.close(), carrier.close(), mails.close()]);
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** Tells a stand-in how to misbehave; its count of requests begins anew. */
async function setFaults(address: string, faults: Partial<FaultSettings>): Promise<void> {
  const response = await fetch(`${address}/_faults`, { method: 'POST', body: JSON.stringify(faults) });
  if (!response.ok) throw new Error(`${address}/_faults answered ${response.status}: ${await response.text()}`);
}

/** The body of a GET. Rejects unless it was answered with 2xx. */
export async function readJson<Body>(address: string): Promise<Body> {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as Body;
}
