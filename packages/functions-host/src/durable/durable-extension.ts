import { realClock } from '../clock';
import { Engine } from '../engine/engine';
import { toClientBinding, type LinkContext } from './client-binding';
import { createActivities } from './activities';
import { createEntityFunctions } from './entity-functions';
import { describeChildFailure } from './failure';
import { getIdentityToken } from './http-activity';
import { answerManagement, type ManagementContext } from './management-api';
import { createHubDoor } from './hub-door';
import { HubRole } from './hub-role';
import { createOrchestrators } from './orchestrators';
import { OtherHubs } from './other-hubs';
import type { DurableExtension, DurableExtensionOptions } from './ports';

/** host.json has none: more than an app's own resources usually stand, fewer than would exhaust them. */
const DEFAULT_MAX_CONCURRENT_ACTIVITIES = 256;
const DEFAULT_MAX_CONCURRENT_ENTITIES = 256;

/** A waiting orchestration holds some 5 KiB. */
const MAX_WARM_INSTANCES = 20_000;

const DEFAULT_CONNECTION = 'Storage';

/** The durable extension on a task hub store. */
export function createDurableExtension(options: DurableExtensionOptions): DurableExtension {
  const { clock, storeClock = realClock, functions, hubName, log, settings, store, tracer, verifyReplay } = options;
  const defaultVersion = typeof settings['defaultVersion'] === 'string' ? settings['defaultVersion'] : undefined;
  const entities = createEntityFunctions(functions, log);
  const engine: Engine = new Engine({
    store,
    clock,
    storeClock,
    log,
    tracer,
    orchestrators: createOrchestrators({
      ...{ functions, verifyReplay, alwaysReplay: false, defaultVersion },
      httpPollMs: positive(settingsOf(settings, 'httpSettings')['defaultAsyncRequestSleepTimeMilliseconds']),
    }),
    activities: createActivities(functions, { getToken: getIdentityToken }),
    describeChildFailure,
    entities,
    maxConcurrentEntities: positive(settings['maxConcurrentEntityFunctions']) ?? DEFAULT_MAX_CONCURRENT_ENTITIES,
    maxConcurrentActivities: positive(settings['maxConcurrentActivityFunctions']) ?? DEFAULT_MAX_CONCURRENT_ACTIVITIES,
    maxWarmInstances: MAX_WARM_INSTANCES,
    fenced: (error) => role.lose(error),
  });
  const linkKey = (): string | undefined => options.systemKey?.();
  const role = new HubRole({ engine, store, log, clock: storeClock, hubName, linkKey, url: options.baseUrl });
  const others = new OtherHubs({ store, log, clock: storeClock, hubName, linkKey, machine: role.machine });
  const connections = new Set([DEFAULT_CONNECTION.toLowerCase(), ...configuredConnections(settings)]);
  const links = (origin: string, connectionName = DEFAULT_CONNECTION): LinkContext => ({
    origin,
    hubName,
    connectionName,
    systemKey: linkKey(),
  });
  const management: ManagementContext = {
    engine,
    entities,
    spans: { tracer, now: () => clock.now() },
    links: ({ origin, passedOn = { linkKey: linkKey() } }) => ({ ...links(origin), systemKey: passedOn.linkKey }),
    defaultVersion,
    replacesRunning: String(settings['overridableExistingInstanceStates']).toLowerCase() === 'anystate',
    now: () => clock.now(),
    after(ms, callback) {
      const scheduled = clock.schedule(clock.now() + ms, callback, {
        kind: 'timeout',
        what: 'longest wait for the end of an orchestration',
      });
      return () => scheduled.cancel();
    },
  };
  return {
    async start() {
      await role.open();
      await role.resume();
    },
    open: () => role.open(),
    resume: () => role.resume(),
    active: role.active,
    lost: role.lost,
    activeHost: () => role.activeHost,
    get isIdle() {
      return engine.isIdle;
    },
    underWay: () => engine.underWay(),
    customStatusOf: (instanceId) => engine.customStatusOf(instanceId),
    drain: () => engine.drain(),
    async stop(graceMs) {
      role.stop();
      others.stop();
      await engine.stop(graceMs);
    },
    handleHttp: createHubDoor({
      ...{ role, others, hubName, clock: storeClock, here: (request) => answerManagement(management, request) },
      isKnownConnection: (name) => connections.has(name.toLowerCase()),
    }),
    clientBinding({ taskHub, connectionName }) {
      if (connectionName !== undefined) connections.add(connectionName.toLowerCase());
      if (taskHub !== undefined) others.tellOfBinding(taskHub);
      const context = links(options.linkUrl ?? options.baseUrl, connectionName);
      const keylessUrl = options.enforcesKeys === true ? undefined : options.baseUrl;
      return JSON.stringify(toClientBinding({ ...context, hubName: taskHub ?? hubName }, keylessUrl));
    },
  };
}

function positive(value: unknown): number | undefined {
  return typeof value === 'number' && value > 0 ? value : undefined;
}

/** Connection names that host.json gives the storage provider, under the keys of its versions. */
function configuredConnections(settings: Readonly<Record<string, unknown>>): string[] {
  const { connectionName, connectionStringName } = settingsOf(settings, 'storageProvider');
  return [connectionName, connectionStringName]
    .filter((name) => typeof name === 'string')
    .map((name) => name.toLowerCase());
}

/** A group of settings; empty when there is none. */
function settingsOf(settings: Readonly<Record<string, unknown>>, group: string): Readonly<Record<string, unknown>> {
  const found = settings[group];
  return typeof found === 'object' && found !== null ? (found as Record<string, unknown>) : {};
}
