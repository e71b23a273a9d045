import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createTransport } from 'nodemailer';
import Stripe from 'stripe';
import type { Summary as ShipmentSummary } from '../../local/carrier/summary';
import type { Summary as PaymentSummary } from '../../local/payment-provider/accounts';
import { freePorts, until } from '../support/running-app';
import { readJson } from '../support/start-stand-ins';

const ENTRIES = path.resolve(__dirname, '../../dist/local');

/** The built stand-ins as processes of their own, in their own folder. */
describe('a stand-in as a process', () => {
  let dataDir: string;
  let settings: Record<string, string>;
  const children: ChildProcess[] = [];

  beforeEach(async () => {
    dataDir = await mkdtemp(path.join(tmpdir(), 'stand-in-process-'));
    const [payments, carrier, smtp, mail] = await freePorts(4);
    settings = {
      PAYMENT_PROVIDER_URL: `http://127.0.0.1:${payments}`,
      CARRIER_URL: `http://127.0.0.1:${carrier}`,
      SMTP_URL: `smtp://127.0.0.1:${smtp}`,
      MAIL_CATCHER_URL: `http://127.0.0.1:${mail}`,
      DATA_DIR: dataDir,
    };
  });
  afterEach(async () => {
    await Promise.all(children.splice(0).map(async (child) => kill(child)));
    await rm(dataDir, { recursive: true, force: true });
  });

  const start = async (name: string, change: Record<string, string> = {}): Promise<ChildProcess> => {
    const child = run(name, { ...settings, ...change });
    children.push(child);
    await until(`${name} listens`, 15_000, () => {
      if (child.exitCode !== null) throw new Error(`${name} ended: ${outputOf(child)}`);
      return outputOf(child).includes('listening on') ? true : undefined;
    });
    return child;
  };

  it('keeps every payment that it acknowledged, killed at any moment under load', async () => {
    const stripe = connect(settings['PAYMENT_PROVIDER_URL']!);
    const acknowledged = new Map<string, string>();
    let attempts = 0;
    for (let round = 0; round < 3; round += 1) {
      const child = await start('payment-provider');
      let isOver = false;
      const buyers = Array.from({ length: 8 }, async () => {
        while (!isOver) {
          const orderId = `order-${(attempts += 1)}`;
          const id = await pay(stripe, orderId).catch(() => undefined);
          if (id !== undefined) acknowledged.set(orderId, id);
        }
      });
      const wanted = acknowledged.size + 150;
      try {
        await until('enough payments were made', 15_000, () => (acknowledged.size >= wanted ? true : undefined));
      } finally {
        await kill(child);
        isOver = true;
        await Promise.all(buyers);
      }
    }
    await start('payment-provider');
    const summary = await readJson<PaymentSummary>(`${settings['PAYMENT_PROVIDER_URL']}/_state/summary`);
    expect(summary.orders).toMatchObject({ duplicates: 0 });
    expect(summary.orders.captured).toBeGreaterThanOrEqual(acknowledged.size);
    // Every order, acknowledged or not, can be repeated: what was done is replayed, what was not is done now.
    const answers = new Map<string, string>();
    for (let n = 1; n <= attempts; n += 1) answers.set(`order-${n}`, await pay(stripe, `order-${n}`));
    for (const [orderId, id] of acknowledged) expect(answers.get(orderId)).toBe(id);
    expect(await readJson(`${settings['PAYMENT_PROVIDER_URL']}/_state/summary`)).toMatchObject({
      orders: { captured: attempts, duplicates: 0 },
      amounts: { usd: { captured: attempts * 250 } },
    });
  }, 90_000);

  it('keeps its shipments and their keys', async () => {
    const child = await start('carrier');
    const book = async (): Promise<unknown> => {
      const response = await fetch(`${settings['CARRIER_URL']}/shipments`, {
        method: 'POST',
        headers: { 'idempotency-key': 'k' },
        body: JSON.stringify({ orderId: 'o', customerId: 'c', lines: [{ sku: 's', quantity: 1 }] }),
      });
      return response.json();
    };
    const booked = await book();
    await kill(child);
    await start('carrier');
    expect(await book()).toEqual(booked);
    expect(await readJson<ShipmentSummary>(`${settings['CARRIER_URL']}/_state/summary`)).toMatchObject({
      shipments: { total: 1, booked: 1 },
    });
  });

  it('keeps its mails', async () => {
    const child = await start('mail-catcher');
    const transport = createTransport(settings['SMTP_URL']);
    await transport.sendMail({ from: 'a@example.com', to: 'b@example.com', subject: 'kept', text: 'Über uns' });
    transport.close();
    await kill(child);
    await start('mail-catcher');
    expect(await readJson(`${settings['MAIL_CATCHER_URL']}/messages`)).toMatchObject({
      messages: [{ id: 1, subject: 'kept', text: 'Über uns' }],
    });
  });

  it('takes its first faults from the environment', async () => {
    await start('payment-provider', { PAYMENT_FAIL_BEFORE: '7', PAYMENT_FAIL_AFTER: '11' });
    await start('carrier', { CARRIER_FAIL_BEFORE: '5' });
    expect(await readJson(`${settings['PAYMENT_PROVIDER_URL']}/_faults`)).toMatchObject({
      failBefore: 7,
      failAfter: 11,
    });
    expect(await readJson(`${settings['CARRIER_URL']}/_faults`)).toMatchObject({ failBefore: 5, failAfter: 0 });
  });

  it.each(['payment-provider', 'carrier', 'mail-catcher'])('%s says in one line where it listens', async (name) => {
    const child = await start(name);
    expect(outputOf(child)).toMatch(/^[a-z ]+ listening on (smtp|http):\/\/127\.0\.0\.1:\d+( and http:.*)?\n$/);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('ends in order on %s, even while a request stalls', async (signal) => {
    const child = await start('payment-provider');
    const stripe = connect(settings['PAYMENT_PROVIDER_URL']!);
    const stalled = pay(stripe, 'slow', 'pm_stall_60000').catch((error: unknown) => error);
    await until('the request is there', 5000, async () => {
      const { requests } = await readJson<{ requests: number }>(`${settings['PAYMENT_PROVIDER_URL']}/_faults`);
      return requests === 1 ? true : undefined;
    });
    const exit = once(child, 'exit');
    child.kill(signal);
    expect(await exit).toEqual([0, null]);
    expect(await stalled).toBeInstanceOf(Error);
  });

  it('ends when the process that forked it is gone', async () => {
    const child = fork(path.join(ENTRIES, 'mail-catcher.js'), { env: settings, silent: true });
    children.push(child);
    collect(child);
    await until('it listens', 15_000, () => (outputOf(child).includes('listening on') ? true : undefined));
    const exit = once(child, 'exit');
    child.disconnect();
    expect(await exit).toEqual([0, null]);
  });

  it.each([
    ['payment-provider', 'PAYMENT_PROVIDER_URL'],
    ['carrier', 'CARRIER_URL'],
    ['mail-catcher', 'MAIL_CATCHER_URL'],
    ['mail-catcher', 'SMTP_URL'],
  ])('%s names the port of %s when it is busy, and ends with 1', async (name, setting) => {
    const port = Number(new URL(settings[setting]!).port);
    const other = createServer().listen(port, '127.0.0.1');
    await once(other, 'listening');
    try {
      const child = run(name, settings);
      expect(await once(child, 'exit')).toEqual([1, null]);
      expect(outputOf(child)).toContain(`port ${port} on 127.0.0.1 is in use`);
    } finally {
      await new Promise((closed) => other.close(closed));
    }
  });

  it.each([
    [{ PAYMENT_PROVIDER_URL: '' }, 'PAYMENT_PROVIDER_URL: expected an address such as http://127.0.0.1:7080'],
    [{ PAYMENT_PROVIDER_URL: 'https://api.stripe.com' }, 'got "https://api.stripe.com"'],
    [{ DATA_DIR: '' }, 'DATA_DIR: expected the folder'],
    [{ PAYMENT_FAIL_AFTER: 'often' }, 'PAYMENT_FAIL_AFTER: expected a whole number from 0, got "often"'],
  ])('names the setting that is wrong: %j', async (change, message) => {
    const child = run('payment-provider', { ...settings, ...change });
    expect(await once(child, 'exit')).toEqual([1, null]);
    expect(outputOf(child)).toContain(message);
  });
});

const outputs = new WeakMap<ChildProcess, string>();

function run(name: string, env: Record<string, string>): ChildProcess {
  const child = spawn(process.execPath, [path.join(ENTRIES, `${name}.js`)], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  collect(child);
  return child;
}

function collect(child: ChildProcess): void {
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.setEncoding('utf8').on('data', (text: string) => outputs.set(child, outputOf(child) + text));
  }
}

function outputOf(child: ChildProcess): string {
  return outputs.get(child) ?? '';
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

function connect(address: string): Stripe {
  const { hostname, port } = new URL(address);
  return new Stripe('sk_test_x', { host: hostname, port, protocol: 'http', maxNetworkRetries: 0, telemetry: false });
}

/** Holds 2.50 for the order, takes them, and gives the intent's id. */
async function pay(stripe: Stripe, orderId: string, method = 'pm_card_visa'): Promise<string> {
  const { id } = await stripe.paymentIntents.create(
    {
      amount: 250,
      currency: 'usd',
      payment_method: method,
      confirm: true,
      capture_method: 'manual',
      metadata: { orderId },
    },
    { idempotencyKey: `${orderId}/hold` },
  );
  await stripe.paymentIntents.capture(id, {}, { idempotencyKey: `${orderId}/take` });
  return id;
}
