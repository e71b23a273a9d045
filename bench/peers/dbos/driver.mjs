// The reference workload on DBOS, and its load generator: its users start workflows in their own process.
import { setTimeout as sleep } from 'node:timers/promises';
import { DBOS } from '@dbos-inc/dbos-sdk';
import { serveRounds } from '../../../dist/bench/load.js';

/** For rounds that need sagas which take a while; without `pauseMs` the answer comes at once. */
const slowly = ({ pauseMs }, answer) => (pauseMs === undefined ? answer : sleep(pauseMs, answer));

async function saga(order) {
  await DBOS.runStep(async () => slowly(order, { id: order.id, isValid: order.lines.length > 0 }), {
    name: 'validateOrder',
  });
  const reservations = await Promise.all(
    order.lines.map((line) =>
      DBOS.runStep(async () => ({ sku: line.sku, reserved: line.quantity }), { name: 'reserveInventory' }),
    ),
  );
  try {
    await DBOS.runStep(
      async () => {
        if (order.isDeclined) throw new Error('declined');
        return slowly(order, { charged: order.total });
      },
      { name: 'chargePayment' },
    );
  } catch {
    await Promise.all(
      reservations.map((reservation) =>
        DBOS.runStep(async () => ({ sku: reservation.sku, released: reservation.reserved }), {
          name: 'releaseInventory',
        }),
      ),
    );
    return 'compensated';
  }
  await DBOS.runStep(async () => slowly(order, { shipment: `shipment of ${order.id}` }), { name: 'createShipment' });
  await DBOS.runStep(async () => slowly(order, { sent: order.id }), { name: 'sendConfirmation' });
  return 'completed';
}

async function sequence({ steps }) {
  let last = 0;
  for (let i = 1; i <= steps; i++) last = await DBOS.runStep(async () => i, { name: 'echo' });
  return last;
}

async function fan({ steps }) {
  const all = await Promise.all(
    Array.from({ length: steps }, (_, i) => DBOS.runStep(async () => i + 1, { name: 'echo' })),
  );
  return all.length;
}

const programs = {
  orderSaga: DBOS.registerWorkflow(saga, { name: 'orderSaga' }),
  sequence: DBOS.registerWorkflow(sequence, { name: 'sequence' }),
  fan: DBOS.registerWorkflow(fan, { name: 'fan' }),
};

DBOS.setConfig({ name: 'bench', systemDatabaseUrl: process.env.BENCH_DATABASE_URL, logLevel: 'warn' });
await DBOS.launch();

serveRounds(
  async (workflowID, job, part) => {
    if (part === 'end') return DBOS.retrieveWorkflow(workflowID).getResult();
    const handle = await DBOS.startWorkflow(programs[job.program], { workflowID })(job.input);
    return part === 'start' ? undefined : handle.getResult();
  },
  () => DBOS.shutdown(),
);
