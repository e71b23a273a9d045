/*
 * The host: one app in one process.
 *
 * Starting goes from what can be wrong at once to what takes time: host.json, the port, the app's own code, its
 * bindings, then the task hub and the triggers. Whatever was begun is undone in reverse when a later step fails, and the
 * same list is what a stop works through. The port is taken first and answers 503 until everything stands, so that a
 * second host on the same port is told before it has done anything.
 *
 * Stopping takes no new work, lets what runs settle for a bounded time, and then closes; what had no time left is owed
 * to nobody: activities and blobs run again at the next start, orchestrations go on from their history.
 */
import type { IncomingMessage } from 'node:http';
import { installFunctionsCore, nodeJoin } from '../app/functions-core';
import { createHttpInvoker, probeHttpRequest } from '../app/http-invocation';
import { traceRequests } from '../app/http-span';
import { createInvoker } from '../app/invocation';
import { logFromWorker } from '../app/worker-log';
import { type Clock, realClock } from '../clock';
import { withCors } from '../http/cors';
import { createDispatcher } from '../http/dispatch';
import { toHttpFunctions, toRouteTable } from '../http/http-functions';
import { durableKeyName, openKeys } from '../http/keys';
import { readBodyLimit } from '../http/request-body';
import { type HttpServer, listen, noteRequests, withHeaders } from '../http/server';
import { openStreamDoor } from '../http/stream-door';
import { toThrottle } from '../http/throttle';
import { unwatched } from '../in-flight';
import { messageOf } from '../supervisor/failures';
import { createQueueBell } from '../triggers/queue-bell';
import { createServiceBusClients } from '../triggers/service-bus-client';
import { createReceivedMessages } from '../triggers/service-bus-received';
import { createStorageAccounts } from '../triggers/storage-account';
import { hostStorage } from '../triggers/storage-connection';
import type { TriggerListener } from '../triggers/trigger-listener';
import { toAdminApi } from './admin-parts';
import { enterAppEnvironment } from './app-environment';
import { createBindingKinds, supportedBindings } from './bindings';
import { toBlobEvents, toWebhooks } from './blob-events-parts';
import { type CleanUp, createCleanUp } from './clean-up';
import { createDurableParts, openDurable, toHubPlace, type DurableParts } from './durable-parts';
import { toFunctionEntries } from './function-entries';
import { readHostId } from './host-id';
import { type HostJson, readHostJson } from './host-json';
import { createHostOutput, type HostOutput } from './host-output';
import { createListeners } from './listeners';
import { loadFunctions, reportErrors } from './load-functions';
import type { Host, HostOptions, LoadedApp } from './options';
import { createSettings, type Settings } from './settings';
import { openSettlement } from './settlement-parts';
import { takeNoMoreWork } from './take-no-more-work';
import { openTracer } from './tracing-parts';
import { warmUp } from './warm-up';

/** How long a stop waits for the durable extension, in the end. */
const durableGraceMs = 3000;
/** How long it waits for the last spans to be sent. */
const tracerGraceMs = 2000;

/** Functions that run may need it, when the host stops; and it may wait for what only time brings. */
const isDurable = ({ url }: IncomingMessage): boolean => url?.startsWith('/runtime/webhooks/durabletask/') === true;

interface Base {
  readonly options: HostOptions;
  readonly clock: Clock;
  readonly settings: Settings;
  readonly hostJson: HostJson;
  readonly output: HostOutput;
  readonly cleanUp: CleanUp;
}

/**
 * Starts a host with the app of `options.appDir` in this process and resolves when it takes work. A process runs one at a time.
 * @throws StartError whose message says what has to be put right.
 */
export async function openHost(options: HostOptions): Promise<Host> {
  const base = prepare(options);
  try {
    return await startOn(base, await openServer(base));
  } catch (error) {
    await cleanUp(base);
    throw error;
  }
}

/** Loads an app as a start does, up to where the host would take work, and puts everything back. */
export async function loadOnly(options: HostOptions): Promise<LoadedApp> {
  const base = prepare(options);
  try {
    const { runtimes, httpFunctions, errors, hooks } = await loadParts(base, await openServer(base));
    const isDurable = runtimes.some(({ fn }) => fn.trigger.type === 'orchestrationTrigger');
    const hasInvocationHooks = hooks.has('preInvocation') || hooks.has('postInvocation');
    return { functions: toFunctionEntries(runtimes, httpFunctions, ''), errors, hasInvocationHooks, isDurable };
  } finally {
    await cleanUp(base);
  }
}

function prepare(options: HostOptions): Base {
  const clock = options.clock ?? realClock;
  const settings = createSettings(options.settings);
  const hostJson = readHostJson(options.appDir, settings);
  const colour = process.stdout.isTTY && settings.get('NO_COLOR') === undefined;
  const write = (text: string): void => void process.stdout.write(text);
  const printed = { format: options.logFormat, colour };
  const output = options.output ?? createHostOutput(printed, hostJson.logLevels, clock, write);
  const base: Base = { options, clock, settings, hostJson, output, cleanUp: createCleanUp() };
  // An app that ends the process by an error or by itself shall not take its last lines with it.
  process.on('exit', output.flush);
  base.cleanUp.add(() => {
    process.off('exit', output.flush);
  });
  return base;
}

async function cleanUp({ cleanUp: undos, output }: Base): Promise<void> {
  await undos.run((error) => {
    output.log.log('Error', 'Host.Shutdown', `Stopping: ${messageOf(error)}`, { error });
  });
  output.flush();
}

async function openServer({ options, output, cleanUp: undos }: Base): Promise<HttpServer> {
  const server = await listen(options.port, (error) => {
    output.log.log('Error', 'Host.Http', `A request failed inside the host: ${messageOf(error)}`, { error });
  });
  undos.add(() => server.close());
  return server;
}

/** All of the app that is known once its code has run. */
async function loadParts(base: Base, server: HttpServer) {
  const { options, clock, settings, hostJson, output } = base;
  const { log } = output;
  const { appDir, dataDir } = options;
  base.cleanUp.add(enterAppEnvironment({ appDir, settings: options.settings, port: server.port }));
  base.cleanUp.add(output.captureConsole());
  const tracer = openTracer(hostJson.telemetryMode, settings, log);
  base.cleanUp.add(() => tracer?.close(options.stopGraceMs ?? tracerGraceMs));
  const join = options.join ?? nodeJoin;
  const core = installFunctionsCore(join, (level, category, message) => {
    logFromWorker(log, core.hooks, { userCategory: 'Function', details: {} }, level, category, message);
  });
  base.cleanUp.add(core.uninstall);
  const durable = createDurableParts();
  const accounts = createStorageAccounts(settings, options.storageNews);
  const inFlight = options.inFlight ?? unwatched;
  const bell = createQueueBell();
  const serviceBus = createServiceBusClients(settings, hostJson.serviceBus);
  base.cleanUp.add(() => serviceBus.close());
  const received = createReceivedMessages();
  const loaded = await loadFunctions({
    ...{ appDir, join, core, settings, log, supported: supportedBindings },
    kinds: createBindingKinds(
      { accounts, clock, encoding: hostJson.queues.messageEncoding, onSent: bell.ring },
      serviceBus,
      durable.extension,
    ),
    checkHost: (functions) => {
      if (functions.some(({ trigger }) => trigger.type === 'blobTrigger')) accounts.check(hostStorage, 'blob');
    },
    only: options.functions,
    routePrefix: hostJson.routePrefix,
  });
  const { model } = loaded;
  const { hooks } = core;
  const invoker = createInvoker({
    ...{ model, hooks, log, clock, tracer, inFlight: options.inFlight },
    timeoutMs: hostJson.functionTimeoutMs,
  });
  const hub = toHubPlace(options.taskHub, hostJson.hubName, loaded.runtimes);
  const hostId = readHostId(dataDir, settings, hub);
  const blobEvents = toBlobEvents({ accounts, hostId, hostJson, invoker, clock, inFlight, log });
  const { listeners, errors } = await createListeners({
    ...{ runtimes: loaded.runtimes, invoker, accounts, bell, blobEvents, serviceBus, received },
    ...{ settings, hostJson, hostId, dataDir, clock, pauses: options.storeClock ?? realClock, inFlight, log },
  });
  const inError = new Set(errors.map(({ functionName }) => functionName));
  const runtimes = loaded.runtimes.filter(({ fn }) => !inError.has(fn.name));
  const allErrors = [...loaded.errors, ...errors];
  reportErrors(allErrors, runtimes.length, log);
  const httpFunctions = toHttpFunctions(runtimes, hostJson.routePrefix);
  return {
    ...loaded,
    runtimes,
    errors: allErrors,
    hooks,
    durable,
    tracer,
    invoker,
    hostId,
    blobEvents,
    received,
    listeners,
    httpFunctions,
    routes: toRouteTable(httpFunctions, log),
  };
}

async function startOn(base: Base, server: HttpServer): Promise<Host> {
  const { options, clock, settings, hostJson, output } = base;
  const { log } = output;
  const url = `http://localhost:${server.port}`;
  const parts = await loadParts(base, server);
  const { runtimes, model, hooks, durable, tracer, invoker, listeners, httpFunctions } = parts;
  const names = runtimes.map(({ fn }) => fn.name);
  const keys = openKeys(options.dataDir, names);

  const durableFunctions = durable.connect({ ...parts, log });
  await options.taskHubUp;
  await openDurable(durable, {
    ...{ taskHub: options.taskHub, verifyReplay: options.verifyReplay, clock, log, tracer },
    storeClock: options.storeClock,
    settings: hostJson.durableTask,
    hubName: hostJson.hubName,
    // By address: a name may stand for another one first.
    baseUrl: `http://127.0.0.1:${server.port}`,
    linkUrl: url,
    enforcesKeys: options.auth,
    systemKey: () => keys.current().system[durableKeyName] ?? '',
  });
  base.cleanUp.add(() => durable.extension()?.stop(options.stopGraceMs ?? durableGraceMs));

  const endSettlement = await openSettlement(runtimes, parts.received, log);
  if (endSettlement !== undefined) base.cleanUp.add(endSettlement);
  const appHookData = {};
  await hooks.run('appStart', { hookData: appHookData });
  base.cleanUp.add(() => hooks.run('appTerminate', { hookData: appHookData }));
  const streamDoor = await openStreamDoor(model);
  const admin = toAdminApi({
    ...{ ...parts, durableFunctions, durable: durable.extension, isStreaming: streamDoor !== undefined },
    base: { ...options, clock, hostId: parts.hostId, hostJson, url, log },
    keys,
    activeHost: () => durable.extension()?.activeHost()?.url,
  });
  const requestClass = streamDoor === undefined ? await probeHttpRequest(model) : undefined;
  const httpInvoker = createHttpInvoker({ ...parts, log, requestClass });
  const dispatcher = createDispatcher({
    ...{ routes: parts.routes, invoker, admin, durable: durable.extension(), streamDoor },
    keys: options.auth ? keys : undefined,
    httpInvoker: tracer === undefined ? httpInvoker : traceRequests(httpInvoker, tracer, clock),
    defaultHost: `localhost:${server.port}`,
    hasHomePage: !settings.isOn('AzureWebJobsDisableHomepage'),
    webhooks: toWebhooks(parts.blobEvents, keys),
    throttle: toThrottle(hostJson.http),
    bodyLimit: readBodyLimit(settings),
  });
  await warmUp(runtimes, invoker);
  const handler = withCors(options.cors, withHeaders(hostJson.http.customHeaders, dispatcher));
  const { inFlight } = options;
  server.serve(inFlight === undefined ? handler : noteRequests(inFlight, (request) => !isDurable(request), handler));
  // Only now: activities that run again may call the host, by a durable client.
  await durable.extension()?.resume();
  base.cleanUp.add(() =>
    takeNoMoreWork({ graceMs: options.stopGraceMs, server, isDurable, listeners, durable, invoker, log }),
  );
  startListeners(base, listeners, durable);

  output.showFunctions(toFunctionEntries(runtimes, httpFunctions, url));
  output.showReady(url, clock.now() - options.startedAt);
  let stopping: Promise<void> | undefined;
  const lost = durable.extension()?.lost ?? new Promise<Error>(() => undefined);
  const about = { url, port: server.port, functionNames: names, durable: durable.extension() };
  return { ...about, lost, stop: () => (stopping ??= cleanUp(base)) };
}

/** Triggers that the host watches itself run once, on the host that works on the task hub; a standby's wait for that. */
function startListeners(base: Base, listeners: readonly TriggerListener[], durable: DurableParts): void {
  const start = (): void => {
    for (const listener of listeners) listener.start();
  };
  const extension = durable.extension();
  if (extension?.activeHost() === undefined) {
    start();
    return;
  }
  let isStopping = false;
  base.cleanUp.add(() => {
    isStopping = true;
  });
  void extension.active.then(() => {
    if (!isStopping) start();
  });
}
