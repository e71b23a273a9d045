// Starts the app with the README's start command, sends one order and follows it to its end, then stops it as Ctrl-C does.
// Exits 0 when the order completed, the app ended cleanly and left nothing behind.
import { once } from 'node:events';
import { connect } from 'node:net';
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
    command: ['npm', 'start', '--silent', '--', '--no-watch'],
    onOutput: (text) => process.stdout.write(text),
  });
  let ending: number | NodeJS.Signals | null;
  try {
    await placeOneOrder(app.url);
  } finally {
    ending = await app.stop();
  }
  console.log(`the app ended with ${ending}`);
  // npm ends itself by the same signal once its script has ended.
  if (ending !== 0 && ending !== 'SIGINT') throw new Error('expected the app to end cleanly');
  const left = await listening([app.url, ...Object.values(app.settings).flatMap(urlsIn)]);
  if (left.length > 0) throw new Error(`still listening after the app has ended: ${left.join(', ')}`);
}

async function placeOneOrder(url: string): Promise<void> {
  const { products } = (await get(`${url}/api/products`)) as { products: Product[] };
  const sku = products[0]?.sku;
  if (sku === undefined) throw new Error('the catalogue is empty');
  const reply = await fetch(`${url}/api/orders`, {
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
    const seen = (await get(new URL(statusUrl, url).href)) as Order;
    return ENDED.includes(seen.status) ? seen : undefined;
  });
  if (order.status !== 'completed') throw new Error(`the order ended ${JSON.stringify(order)}`);
  console.log(`order ${order.orderId} completed`);
}

function urlsIn(setting: string): string[] {
  return setting.match(/\w+:\/\/[^;\s]+/g) ?? [];
}

async function listening(urls: readonly string[]): Promise<string[]> {
  const answers = urls.map(async (url) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    const [event] = await Promise.race([
      once(socket, 'connect').then(() => ['connect']),
      once(socket, 'close').then(() => ['close']),
    ]).catch(() => ['close']);
    socket.destroy();
    return event === 'connect' ? [url] : [];
  });
  return (await Promise.all(answers)).flat();
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
