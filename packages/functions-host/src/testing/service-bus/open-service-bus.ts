/*
 * Service Bus in a test: an emulator in the test's own process, by the clock of the test's host. The app reaches it as it reaches
 * any other, by AMQP, so that what a test runs is what runs elsewhere; the test itself looks into it and puts messages into it.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Clock } from '../../clock';
import { readAppManifest } from '../../supervisor/app-manifest';
import { readServiceBusSetting } from '../../supervisor/service-bus-settings';
import type { WaitingTimer } from '../test-host';
import type { EntitiesSource, TestMessages } from '../test-messages';
import { watchTraffic } from './traffic';

export interface TestServiceBus {
  readonly messages: TestMessages;
  /** The settings, with this Service Bus in the place of an emulator. */
  readonly settings: Readonly<Record<string, string>>;
  /** In words; empty when nothing is on its way. */
  underWay(): readonly string[];
  /** Messages that are scheduled. */
  timers(): readonly WaitingTimer[];
  close(): Promise<void>;
}

export interface ServiceBusRequest {
  readonly appDir: string;
  readonly settings: Readonly<Record<string, string>>;
  /** True for settings that stay as they are. */
  readonly isKept: (name: string) => boolean;
  /** What the test names; otherwise what the app's package.json does. */
  readonly entities: EntitiesSource | undefined;
  readonly clock: Clock;
}

/** Starts an emulator if a setting names one and its entities are known. */
export async function openServiceBus(request: ServiceBusRequest): Promise<TestServiceBus> {
  const { settings, clock } = request;
  const names = Object.entries(settings).flatMap(([name, value]) =>
    !request.isKept(name) && readServiceBusSetting(name, value)?.isEmulator === true ? [name] : [],
  );
  if (names.length === 0) {
    return absent(settings, "the app's settings name no emulator of Service Bus (UseDevelopmentEmulator=true)");
  }
  const config = await findEntities(request);
  if (config === undefined) {
    return absent(
      settings,
      `nothing says which queues and topics the Service Bus of ${names.join(', ')} has: name a Config.json as ` +
        'functions-host.serviceBus.config in package.json, or give option serviceBus.entities',
    );
  }
  // Loaded only for apps that need it.
  const [{ startEmulator }, { accessMessages, scheduledMessages }] = await Promise.all([
    import('service-bus-emulator'),
    import('./message-access'),
  ]);
  const emulator = await startEmulator({ config, clock });
  const traffic = watchTraffic(emulator.port);
  const { broker, connectionString } = emulator;
  const own = names.map((name): [string, string] => [name, connectionString]);
  return {
    messages: accessMessages(broker, () => clock.now()),
    settings: { ...settings, ...Object.fromEntries(own) },
    underWay: () => (traffic.isMoving() ? ['traffic with Service Bus'] : []),
    timers: () =>
      scheduledMessages(broker).map(({ address, message }) => ({
        kind: 'message',
        what: `scheduled message ${message.messageId ?? message.sequenceNumber} of '${address}'`,
        at: new Date(message.scheduledAt ?? 0),
      })),
    close: async () => {
      traffic.close();
      await emulator.close();
    },
  };
}

async function findEntities({ entities, appDir }: ServiceBusRequest): Promise<EntitiesSource | undefined> {
  if (entities !== undefined) return typeof entities === 'string' ? path.resolve(appDir, entities) : entities;
  if (!existsSync(path.join(appDir, 'package.json'))) return undefined;
  return (await readAppManifest(appDir)).serviceBus?.config;
}

/** Nothing was started: every use says why. */
function absent(settings: Readonly<Record<string, string>>, why: string): TestServiceBus {
  const refuse = (): Promise<never> => Promise.reject(new Error(`There is no Service Bus in this test: ${why}.`));
  return {
    messages: { send: refuse, peek: refuse, list: refuse, deadLetters: refuse, counts: refuse, clear: refuse },
    settings,
    underWay: () => [],
    timers: () => [],
    close: () => Promise.resolve(),
  };
}
