import path from 'node:path';
import { ServiceBusClient, type ServiceBusReceiver } from '@azure/service-bus';
import { readResident } from '../processes';
import { findPort, startProgram, type Program } from '../program';
import type { Figure, Run, Section, SectionResult } from '../section';

const BODY = Buffer.alloc(200, 'x');
const BATCHED = 20_000;
const BATCH_SIZE = 500;
const RECEIVED = 10_000;
const ONE_BY_ONE = 1_000;
const CONNECTIONS = 1_000;

/** What Microsoft's client gets out of the emulator, each in a process of its own. */
export const serviceBusSection: Section = {
  name: 'service-bus',
  title: 'Emulator of Service Bus, with @azure/service-bus, messages of 200 bytes',
  isLong: true,
  async measure(run) {
    const values = new Map<string, { unit: string; values: number[] }>();
    for (let repeat = 0; repeat < run.options.repeats; repeat++) {
      for (const [quantity, unit, value] of await measureOnce(run, repeat)) {
        const entry = values.get(quantity) ?? { unit, values: [] };
        entry.values.push(value);
        values.set(quantity, entry);
        run.say(`${quantity}: ${value.toFixed(3)} ${unit}`);
      }
    }
    const figures = [...values].map(([quantity, rest]): Figure => ({ quantity, subject: 'emulator', ...rest }));
    return {
      notes: [
        'the emulator in a process of its own, nothing kept on disk; the client in the process that measures',
        `batches of ${BATCH_SIZE}, one after the other; received with subscribe() at 50 calls at once`,
        'single sends and receives: one after the other, the median of all',
      ],
      figures,
    } satisfies SectionResult;
  },
};

type Measured = readonly [quantity: string, unit: string, value: number];

async function measureOnce(run: Run, repeat: number): Promise<Measured[]> {
  const port = await findPort();
  const emulator = await startEmulator(run, port, repeat);
  const connectionString = `Endpoint=sb://127.0.0.1:${port};SharedAccessKeyName=k;SharedAccessKey=k;UseDevelopmentEmulator=true;`;
  const client = new ServiceBusClient(connectionString);
  try {
    const figures: Measured[] = [
      ['sent in batches', 'messages/s', await sendBatches(client)],
      ['received and completed at concurrency 50', 'messages/s', await receiveMany(client)],
      ...(await oneByOne(client)),
      [`resident after ${BATCHED + ONE_BY_ONE} messages`, 'MiB', readResident(emulator.pid)],
      [`${CONNECTIONS} connections, each with a message sent`, 's', await connectMany(connectionString)],
    ];
    return figures;
  } finally {
    await client.close();
    await emulator.stop();
  }
}

async function startEmulator({ root, folder }: Run, port: number, repeat: number): Promise<Program> {
  const emulator = startProgram(
    process.execPath,
    [
      path.join(root, 'packages/service-bus-emulator/bin/service-bus-emulator.js'),
      ...['--config', path.join(root, 'local/service-bus/Config.json'), '--port', String(port), '--health-port', '0'],
    ],
    { name: `service-bus-${repeat}`, folder },
  );
  await emulator.waitFor(/ready: /);
  return emulator;
}

/** A queue of the app's own, without sessions and duplicate detection. */
const QUEUE = 'orders';

async function sendBatches(client: ServiceBusClient): Promise<number> {
  const sender = client.createSender(QUEUE);
  const messages = Array.from({ length: BATCH_SIZE }, () => ({ body: BODY }));
  await sender.sendMessages(messages);
  const from = performance.now();
  for (let sent = BATCH_SIZE; sent < BATCHED; sent += BATCH_SIZE) await sender.sendMessages(messages);
  return ((BATCHED - BATCH_SIZE) * 1000) / (performance.now() - from);
}

async function receiveMany(client: ServiceBusClient): Promise<number> {
  const receiver = client.createReceiver(QUEUE);
  let from = 0;
  let count = 0;
  const rate = await new Promise<number>((resolve, reject) => {
    receiver.subscribe(
      {
        processMessage: async (message) => {
          await receiver.completeMessage(message);
          if (++count === 1_000) from = performance.now();
          if (count === RECEIVED) resolve(((RECEIVED - 1_000) * 1000) / (performance.now() - from));
        },
        processError: async ({ error }) => reject(error),
      },
      { maxConcurrentCalls: 50, autoCompleteMessages: false },
    );
  });
  await receiver.close();
  return rate;
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;

async function timed(action: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await action();
  return performance.now() - from;
}

async function receiveOne(receiver: ServiceBusReceiver): Promise<void> {
  const [message] = await receiver.receiveMessages(1);
  if (message === undefined) throw new Error('Expected a message in the queue, got none.');
  await receiver.completeMessage(message);
}

async function oneByOne(client: ServiceBusClient): Promise<Measured[]> {
  const sender = client.createSender(QUEUE);
  const receiver = client.createReceiver(QUEUE);
  const sends: number[] = [];
  const receives: number[] = [];
  for (let i = 0; i < ONE_BY_ONE; i++) sends.push(await timed(() => sender.sendMessages({ body: BODY })));
  for (let i = 0; i < ONE_BY_ONE; i++) receives.push(await timed(() => receiveOne(receiver)));
  return [
    ['one send', 'ms', median(sends)],
    ['one receive and complete', 'ms', median(receives)],
  ];
}

async function connectMany(connectionString: string): Promise<number> {
  const clients = Array.from({ length: CONNECTIONS }, () => new ServiceBusClient(connectionString));
  const took = await timed(async () => {
    for (let i = 0; i < CONNECTIONS; i += 50) {
      await Promise.all(clients.slice(i, i + 50).map((one) => one.createSender(QUEUE).sendMessages({ body: BODY })));
    }
  });
  await Promise.all(clients.map((one) => one.close()));
  return took / 1000;
}
