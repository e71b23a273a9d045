/*
 * Messages through one queue while a part of it is killed with -9 again and again, all through Microsoft's client: either
 * the consumer (its locks have to run out) or the emulator (which has to find in its folder all that it acknowledged).
 * A sender that gets no answer sends again under the same ids, and the queue detects duplicates, so each id is in the
 * queue once. A consumer that gets no answer does not know whether its message is completed: those are counted as
 * unsure, and can be no more than it held when something was killed.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { ServiceBusClient } from '@azure/service-bus';
import { type Command, runCommand } from '../support/command';
import { Ledger } from './ledger';

export interface CrashRun {
  readonly messages: number;
  /** How often; spread evenly over the messages that are completed. */
  readonly kills: number;
  readonly victim: 'consumer' | 'emulator';
  /** Holds the configuration and, when the emulator is killed, its data. */
  readonly folder: string;
  readonly config: string;
  readonly port: number;
  readonly say: (text: string) => void;
}

export interface CrashReport {
  readonly messages: number;
  readonly kills: number;
  /** Certain. */
  readonly completed: number;
  /** The consumer began to complete them and got no answer. */
  readonly unsure: number;
  readonly lost: readonly string[];
  /** Completed for certain, and then received again. */
  readonly cameBack: readonly string[];
  readonly completedTwice: readonly string[];
  readonly deadLetters: number;
  /** What is left in the queue. */
  readonly left: number;
}

export const QUEUE = 'crash';
/** Of one message, 200 bytes. */
const BODY = Buffer.alloc(200, 'x');
const BATCH = 100;

export async function runCrashes(run: CrashRun): Promise<CrashReport> {
  const connectionString = `Endpoint=sb://127.0.0.1:${run.port};SharedAccessKeyName=k;SharedAccessKey=k;UseDevelopmentEmulator=true;`;
  const ledger = new Ledger();
  let emulator = await startEmulatorProcess(run);
  let consumer = startConsumer(connectionString, ledger);
  const stop = new AbortController();
  const sending = send(connectionString, run.messages, ledger, stop.signal);
  sending.catch(() => undefined);
  try {
    for (let kill = 1; kill <= run.kills; kill += 1) {
      await ledger.reaches((run.messages * kill) / (run.kills + 1));
      run.say(`${ledger.completed} completed; killing the ${run.victim} (${kill} of ${run.kills})`);
      if (run.victim === 'consumer') {
        await killed(consumer);
        consumer = startConsumer(connectionString, ledger);
      } else {
        emulator.signal('SIGKILL');
        await emulator.ended;
        emulator = await startEmulatorProcess(run);
      }
    }
    await sending;
    const counts = await untilEmpty(connectionString, run.say);
    await killed(consumer);
    return { ...ledger.report(run.messages), messages: run.messages, kills: run.kills, ...counts };
  } finally {
    stop.abort();
    await killed(consumer);
    emulator.signal('SIGTERM');
    await emulator.ended;
  }
}

async function startEmulatorProcess(run: CrashRun): Promise<Command> {
  const data = run.victim === 'emulator' ? ['--data', path.join(run.folder, 'data')] : [];
  const emulator = runCommand(['--config', run.config, '--port', String(run.port), '--health-port', '0', ...data]);
  await emulator.sees(/^ready: /m);
  return emulator;
}

function startConsumer(connectionString: string, ledger: Ledger): ChildProcess {
  const program = path.join(__dirname, '../fixtures/consumer.js');
  const child = spawn(process.execPath, [program, connectionString, QUEUE], { stdio: ['ignore', 'pipe', 'pipe'] });
  ledger.read(child.stdout);
  child.stderr.resume();
  return child;
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  // All that it said has been read by then.
  const closed = new Promise((resolve) => child.once('close', resolve));
  child.kill('SIGKILL');
  await closed;
}

/**
 * Sends all messages in batches, each again and again until it is acknowledged; never far ahead of the consumer, so that
 * there is sending to be killed, too.
 */
async function send(connectionString: string, messages: number, ledger: Ledger, stopped: AbortSignal): Promise<void> {
  const ahead = Math.max(500, messages / 4);
  const connect = (): ServiceBusClient =>
    new ServiceBusClient(connectionString, { retryOptions: { maxRetries: 0, timeoutInMs: 2_000 } });
  let client = connect();
  let sender = client.createSender(QUEUE);
  for (let first = 0; first < messages && !stopped.aborted;) {
    await ledger.reaches(first - ahead);
    const length = Math.min(BATCH, messages - first);
    const batch = Array.from({ length }, (_, index) => ({ body: BODY, messageId: `m-${first + index}` }));
    try {
      await sender.sendMessages(batch);
      first += BATCH;
    } catch {
      // No answer: once more, under the same ids.
      client.close().catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 50));
      client = connect();
      sender = client.createSender(QUEUE);
    }
  }
  // The emulator may be killed now: closing would wait for an answer that never comes.
  client.close().catch(() => undefined);
}

/** Waits until nothing is in the queue, locked messages included. */
async function untilEmpty(
  connectionString: string,
  say: CrashRun['say'],
): Promise<{ readonly left: number; readonly deadLetters: number }> {
  const peek = async (subQueueType?: 'deadLetter'): Promise<number> => {
    // A client remembers where it peeked last: each begins at the beginning once.
    const client = new ServiceBusClient(connectionString);
    try {
      return (await client.createReceiver(QUEUE, subQueueType ? { subQueueType } : {}).peekMessages(100)).length;
    } finally {
      await client.close();
    }
  };
  // Locks of a consumer that was killed last run out within seconds.
  for (let attempt = 0; ; attempt += 1) {
    const left = await peek();
    if (left === 0 || attempt === 600) return { left, deadLetters: await peek('deadLetter') };
    if (attempt % 20 === 0) say(`${left === 100 ? '100 or more' : left} left in the queue`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
