// Starts the app with the README's start command, sends one order and follows it to its end, then stops it as Ctrl-C does.
// Exits 0 when the order completed, the app ended cleanly and left nothing behind.
import { startApp, until } from '../test/support/running-app';

interface Product {
  readonly sku: string;
}
interface Order {
  readonly orderId: string;
  readonly status: string;
}

const ENDED = ['completed', 'compensated', 'compensationFailed', 'parked'];

async function main(): Promise<void> {
  const app = await startApp({
    command: ['npm', 'start', '--silent', '--'],
    onOutput: (text) => process.stdout.write(text),
  });
  try {
    const { products } = (await get(`${app.url}/api/products`)) as { products: Product[] };
    const sku = products[0]?.sku;
    if (sku === undefined) throw new Error('the catalogue is empty');
    const reply = await fetch(`${app.url}/api/orders`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        customerId: 'SMOKE',
        email: 'smoke@example.com',
        lines: [{ sku, quantity: 1 }],
        paymentMethod: 'pm_card_visa',
      }),
    });
    if (reply.status !== 202) throw new Error(`POST /api/orders answered ${reply.status}: ${await reply.text()}`);
    const { statusUrl } = (await reply.json()) as { statusUrl: string };
    const order = await until('the order ended', 30_000, async () => {
      const seen = (await get(new URL(statusUrl, app.url).href)) as Order;
      return ENDED.includes(seen.status) ? seen : undefined;
    });
    if (order.status !== 'completed') throw new Error(`the order ended ${JSON.stringify(order)}`);
    console.log(`order ${order.orderId} completed`);
  } finally {
    const exitCode = await app.stop();
    console.log(`the app ended with ${exitCode}`);
    if (exitCode !== 0) process.exitCode = 1;
  }
}

async function get(url: string): Promise<unknown> {
  const reply = await fetch(url);
  if (!reply.ok) throw new Error(`GET ${url} answered ${reply.status}: ${await reply.text()}`);
  return reply.json();
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
