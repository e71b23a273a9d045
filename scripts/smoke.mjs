// Starts the app as the README says, on free ports and in a folder of its own, sends one order and follows it to its end.
// Exits 0 when the order completed and everything that was started has ended again.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

const READY_WITHIN_MS = 60_000;
const ORDER_WITHIN_MS = 30_000;

async function freePorts(count) {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  return ports;
}

async function until(what, withinMs, probe) {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const found = await probe();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`${what}: not within ${withinMs} ms`);
    await new Promise((next) => setTimeout(next, 100));
  }
}

const dataDir = await mkdtemp(path.join(tmpdir(), 'smoke-'));
const [http, blob, queue, table, postgres, payments, carrier, smtp, mail] = await freePorts(9);
const account =
  'DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;' +
  'AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;';
const endpoint = (kind, port) => `${kind}Endpoint=http://127.0.0.1:${port}/devstoreaccount1;`;

const app = spawn('npm', ['start', '--silent', '--', '--port', String(http), '--data', dataDir, '--no-watch'], {
  stdio: ['ignore', 'pipe', 'inherit'],
  env: {
    ...process.env,
    AzureWebJobsStorage: account + endpoint('Blob', blob) + endpoint('Queue', queue) + endpoint('Table', table),
    DATABASE_URL: `postgres://postgres:postgres@127.0.0.1:${postgres}/orders`,
    PAYMENT_PROVIDER_URL: `http://127.0.0.1:${payments}`,
    CARRIER_URL: `http://127.0.0.1:${carrier}`,
    SMTP_URL: `smtp://127.0.0.1:${smtp}`,
    MAIL_CATCHER_URL: `http://127.0.0.1:${mail}`,
  },
});
const ended = once(app, 'exit');
let output = '';
app.stdout.on('data', (chunk) => {
  output += chunk;
  process.stdout.write(chunk);
});

try {
  await until('ready', READY_WITHIN_MS, async () => {
    if (app.exitCode !== null) throw new Error(`npm start ended with ${app.exitCode} before it was ready`);
    return /\bready\b/i.test(output) || undefined;
  });
  const { products } = await (await fetch(`http://127.0.0.1:${http}/api/products`)).json();
  const reply = await fetch(`http://127.0.0.1:${http}/api/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      customerId: 'SMOKE',
      email: 'smoke@example.com',
      lines: [{ sku: products[0].sku, quantity: 1 }],
      paymentMethod: 'pm_card_visa',
    }),
  });
  if (reply.status !== 202) throw new Error(`POST /api/orders answered ${reply.status}: ${await reply.text()}`);
  const { statusUrl } = await reply.json();
  const order = await until('order completed', ORDER_WITHIN_MS, async () => {
    const seen = await (await fetch(new URL(statusUrl, `http://127.0.0.1:${http}`))).json();
    return ['completed', 'compensated', 'parked'].includes(seen.status) ? seen : undefined;
  });
  if (order.status !== 'completed') throw new Error(`the order ended ${JSON.stringify(order)}`);
  console.log(`order ${order.orderId} completed`);
} finally {
  app.kill('SIGINT');
  await ended;
  await rm(dataDir, { recursive: true, force: true });
}
