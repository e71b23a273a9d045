import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { startApp } from '../support/running-app';
import type { RunningApp } from '../support/running-app';

/** The script of `npm run northwind` against the whole app, on files of the same form with a handful of orders. */
const script = path.join(__dirname, '../../dist/scripts/northwind.js');
const files = {
  'products.csv':
    'productID,productName,supplierID,unitPrice,unitsInStock,discontinued\n' +
    '1,Chai,1,18.00,39,0\n2,"Sir Rodney\'s Scones, ""the"" best",1,10.00,3,1\n3,Côte de Blaye,1,263.50,17,0\n',
  'orders.csv': 'orderID,customerID,freight\n10,VINET,1.00\n11,TOMSP,2.00\n12,HANAR,3.00\n13,VINET,4.00\n',
  'order_details.csv':
    'orderID,productID,unitPrice,quantity,discount\n' +
    '10,1,14.40,10,0\n10,2,9.80,1,0.15\n11,2,10.00,5,0.05\n12,3,263.50,20,0.05\n13,1,0.25,2,0.05\n',
};

let app: RunningApp;
let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'northwind-'));
  for (const [name, content] of Object.entries(files)) await writeFile(path.join(dir, name), content);
  app = await startApp();
}, 120_000);
afterAll(async () => {
  // Undefined when it didn't start, whatever its type says.
  const running = app as RunningApp | undefined;
  expect(await running?.stop()).toBe(0);
  await rm(dir, { recursive: true });
}, 60_000);

const run = (...args: string[]) =>
  promisify(execFile)(process.execPath, [script, '--url', app.url, '--data', dir, ...args], {
    env: { ...process.env, ...app.settings },
  });

describe('npm run northwind', () => {
  it('completes all orders when there is stock for them, the dear one after approval', async () => {
    const { stdout, stderr } = await run('--restock', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      orders: 4,
      completed: 4,
      compensated: 0,
      rejectedRows: 0,
      approvals: 1,
      // 144.00 + 8.33 + 47.50 + 5,006.50 + 0.48: each line is rounded half-up by itself.
      completedTotal: '5206.81',
      capturedTotal: '5206.81',
      currency: 'usd',
      minimumStock: 3,
    });
    expect(stderr).toContain('4 of 4 orders ended, 4 completed');
  }, 90_000);

  it('can be repeated, and takes nothing for orders that stock is short for', async () => {
    const { stdout } = await run('--prefix', 'again-');
    const totals = Object.fromEntries(stdout.split('\n').map((line) => line.split(/ {2,}/)));
    expect(totals).toMatchObject({
      orders: '4',
      completed: '2',
      compensated: '2',
      'approved by hand': '0',
      captured: '152.81 usd',
      'least stock of a product': '2',
    });
  }, 90_000);

  it('says what is missing', async () => {
    const failing = promisify(execFile)(process.execPath, [script, '--url', 'http://127.0.0.1:1', '--data', dir], {
      env: { ...process.env, ...app.settings },
    });
    await expect(failing).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^The app does not answer at http:\/\/127\.0\.0\.1:1 .*Start it with `npm start`/),
    });
    await expect(run('--data', '/nowhere')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('expected the Northwind file /nowhere/products.csv'),
    });
  });
});
