/*
 * A whole app in the test's process, on the engine of `npm start`.
 *
 * The host is the same; what differs is around it: a clock that the test moves, and that the process's `Date` tells, a task hub and
 * storage in memory, a log that is kept instead of printed. The test's sandbox is the app's process: its environment and folder
 * are the app's until `stop()`, so one host at a time.
 */
import path from 'node:path';
import { type Clock, realClock } from '../clock';
import { createVirtualClock, type VirtualClock } from '../clock-virtual';
import { openHost } from '../host/host';
import { readHostJson } from '../host/host-json';
import type { Host } from '../host/options';
import { createSettings } from '../host/settings';
import { messageOf } from '../supervisor/failures';
import { joinInProcess } from './app-join';
import { comeToRest, type CountedWork, createCountedWork } from './coming-to-rest';
import { accessDurable } from './durable-access';
import { toMilliseconds } from './duration';
import { type MemoryStorage, openMemoryStorage } from './memory-storage/memory-storage';
import { createRecordedLog, describeErrors, type RecordedLog } from './recorded-log';
import { request } from './request';
import { openServiceBus, type TestServiceBus } from './service-bus/open-service-bus';
import { isHostStorage, requireOwnServiceBus, toTestSettings, withStorage } from './settings';
import type { TestHost, TestHostOptions } from './test-host';
import { followClock } from './virtual-date';
import { listTimers } from './waiting-timers';

const defaultPatienceMs = 4000;
/** Clients of storage and databases are loaded when they are needed first. */
const startPatienceMs = 60_000;
/** What still runs when a test ends its host runs in vain. */
const stopGraceMs = 200;

/** Time as the host has it; `virtual` is undefined when it is real. */
interface HostTime {
  readonly clock: Clock;
  readonly virtual: VirtualClock | undefined;
}

/**
 * Starts a host with an app in this process and resolves when it has come to rest.
 * @throws Error whose message says why the app does not load or the host can't start.
 */
export async function createTestHost(options: TestHostOptions): Promise<TestHost> {
  const undos: (() => void | Promise<void>)[] = [];
  const putBack = async (): Promise<void> => {
    for (let undo = undos.pop(); undo !== undefined; undo = undos.pop()) await undo();
  };
  try {
    return await open(options, undos, putBack);
  } catch (error) {
    await putBack();
    throw error;
  }
}

async function open(
  options: TestHostOptions,
  undos: (() => void | Promise<void>)[],
  putBack: () => Promise<void>,
): Promise<TestHost> {
  const { app, store = 'memory', patienceMs = defaultPatienceMs, verifyReplay = 'all', functions } = options;
  const { dir, load } = typeof app === 'string' ? { dir: app, load: undefined } : app;
  const appDir = path.resolve(dir);
  const work = createCountedWork();
  const opening: { host?: Host; bus?: TestServiceBus } = {};
  const settle = (ms = patienceMs): Promise<void> => comeToRest(() => toWork(work, opening.host, opening.bus), ms);
  const time = toTime(options, () => settle());
  const { clock } = time;
  const given = options.settings ?? {};
  requireOwnStorage(given, time);
  const { settings: local, isOwn } = await toTestSettings(appDir, given);
  if (time.virtual !== undefined) requireOwnServiceBus(local, isOwn);
  const hostJson = readHostJson(appDir, createSettings(local));
  const { messageEncoding } = hostJson.queues;
  const storage = await openMemoryStorage(clock, { inFlight: work, messageEncoding });
  undos.push(() => storage.close());
  const bus = await openServiceBus({
    ...{ appDir, clock, settings: withStorage(local, given, storage.connectionString) },
    // By a real clock, a test may bring its own.
    isKept: (name) => time.virtual === undefined && Object.hasOwn(given, name),
    entities: options.serviceBus?.entities,
  });
  opening.bus = bus;
  undos.push(() => bus.close());
  const { settings } = bus;
  const log = createRecordedLog(hostJson.logLevels, () => clock.now());
  if (time.virtual !== undefined) undos.push(followClock(clock));
  const host = await openHost({
    ...{ appDir, settings, verifyReplay, clock, taskHub: store, storeClock: realClock, inFlight: work, output: log },
    ...{ port: 0, dataDir: undefined, auth: false, logFormat: 'text', startedAt: clock.now() },
    ...{ stopGraceMs, storageNews: storage.news },
    ...(functions !== undefined && { functions }),
    join: joinInProcess(load),
  });
  opening.host = host;
  undos.push(() => host.stop());
  await settle(startPatienceMs);
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopping ??= putBack());
  return toTestHost({ host, storage, bus, time, work, settle: () => settle(), log, appDir, stop });
}

/** Real storage has real times: nothing hidden would be seen again when virtual time says so, and polling would never end. */
function requireOwnStorage(given: Readonly<Record<string, string>>, { virtual }: HostTime): void {
  const named = Object.keys(given).find(isHostStorage);
  if (named === undefined || virtual === undefined) return;
  throw new TypeError(
    `createTestHost: setting ${named} names a storage account, whose times are real. ` +
      "Leave it out for one in memory that goes by the virtual clock, or make the host with clock: 'real'.",
  );
}

function toTime({ clock = 'virtual', startAt }: TestHostOptions, settle: () => Promise<void>): HostTime {
  if (clock === 'real') {
    if (startAt === undefined) return { clock: realClock, virtual: undefined };
    throw new TypeError("createTestHost: startAt is for clock: 'virtual'; a real clock shows the present.");
  }
  const first = startAt === undefined ? realClock.now() : new Date(startAt).getTime();
  if (Number.isNaN(first)) {
    throw new TypeError(`createTestHost: expected startAt to be a time, got ${JSON.stringify(startAt)}.`);
  }
  const virtual = createVirtualClock(first, settle);
  return { clock: virtual, virtual };
}

function toWork(work: CountedWork, host: Host | undefined, bus: TestServiceBus | undefined): readonly string[] {
  const counted = [...work.list(), ...(bus?.underWay() ?? [])];
  if (counted.length > 0 || host?.durable?.isIdle !== false) return counted;
  const turns = host.durable.underWay();
  return turns.length > 0 ? turns : ['the task hub'];
}

function toTestHost(parts: {
  readonly host: Host;
  readonly storage: MemoryStorage;
  readonly bus: TestServiceBus;
  readonly time: HostTime;
  readonly work: CountedWork;
  readonly settle: () => Promise<void>;
  readonly log: RecordedLog;
  readonly appDir: string;
  readonly stop: () => Promise<void>;
}): TestHost {
  const { host, storage, bus, work, log, stop } = parts;
  const { blobs, queues } = storage;
  const { clock, virtual } = parts.time;
  const { url } = host;
  const durable = accessDurable(host.durable, parts.appDir, url);
  let isMoving = false;
  const move = async (ms: number, how: string): Promise<void> => {
    if (isMoving) throw new Error(`${how}: the clock is being moved already; await that first.`);
    isMoving = true;
    try {
      if (virtual === undefined) await parts.settle();
      else await virtual.advance(ms);
    } catch (error) {
      throw new Error(`${how}: ${messageOf(error)}${describeErrors(log)}`, { cause: error });
    } finally {
      isMoving = false;
    }
  };
  /** Counted, so that what a test has begun and not awaited is not overtaken by time. */
  const noted = <T>(what: string, run: () => Promise<T>): Promise<T> => run().finally(work.begin(what));
  return {
    ...{ url, blobs, queues, messages: bus.messages },
    now: () => new Date(clock.now()),
    http: (method, target, about = {}) => request(work, method, `${url}${target}`, about),
    start: (orchestrator, input, { id } = {}) =>
      noted("the test's start of an orchestration", () => durable.start(orchestrator, input, id)),
    raise: (id, event, payload) => noted("the test's event", () => durable.raise(id, event, payload)),
    status: (id) => durable.status(id),
    client: () => durable.client(),
    async advance(duration) {
      const ms = toMilliseconds(duration, 'advance');
      if (virtual === undefined) {
        throw new Error("advance: the clock of this host is real; make it with clock: 'virtual' to move it.");
      }
      await move(ms, `advance(${JSON.stringify(duration)})`);
    },
    runUntilIdle: () => move(0, 'runUntilIdle()'),
    timers() {
      if (virtual === undefined) return [];
      const timers = listTimers(virtual, (id) => host.durable?.customStatusOf(id));
      return [...timers, ...bus.timers()].sort((a, b) => a.at.getTime() - b.at.getTime());
    },
    logs: (query = {}) => log.find(query),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
