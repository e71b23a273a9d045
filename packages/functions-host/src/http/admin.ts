import path from 'node:path';
import type { FunctionRuntime } from '../app/function-runtime';
import type { Clock } from '../clock';
import type { RegisteredFunction } from '../app/registered-function';
import { toTemplate } from './http-functions';
import { type AdminRequest, type AdminResponse, notFound, toJson } from './admin-answers';
import { answerKeys } from './admin-keys';
import type { KeyRing, KeyRoom } from './keys';

/** The host's admin API, as tools and people use it. */
export interface AdminApi {
  /** True for what needs no key. */
  isOpen(path: string): boolean;
  handle(request: AdminRequest): AdminResponse;
}

export interface AdminOptions {
  readonly appDir: string;
  readonly dataDir: string | undefined;
  /** The app's entry point, relative to `appDir`. */
  readonly entryPoint: string;
  readonly hostId: string;
  readonly runtimes: readonly FunctionRuntime[];
  /** Functions that a setting turns off. */
  readonly disabled: readonly RegisteredFunction[];
  /** Why functions of the app can't run. */
  readonly errors: readonly { readonly functionName: string; readonly message: string }[];
  readonly routePrefix: string;
  readonly clock: Clock;
  readonly startedAt: number;
  /** Where the host listens whose standby this one is. */
  readonly activeHost: () => string | undefined;
  readonly keys: KeyRing;
  /** The host's configuration as it is shown. */
  config(): object;
  /** Starts one run of a function with a text as its trigger's input; it is not waited for. */
  run(runtime: FunctionRuntime, input: string): void;
}

const hostVersion = '4.1037.0';

/** The admin API over a loaded app. */
export function createAdminApi(options: AdminOptions): AdminApi {
  return {
    isOpen: (requestPath) => /^\/admin\/host\/ping\/?$/i.test(requestPath),
    handle(request) {
      const [, , area = '', name = '', rest = '', key = '', ...more] = request.path.split('/').map(decode);
      if (more.some((segment) => segment !== '')) return notFound;
      switch (area.toLowerCase()) {
        case 'warmup':
          return name === '' && request.method === 'GET' ? { status: 200 } : notFound;
        case 'host':
          return key === '' ? handleHost(options, request, name.toLowerCase(), rest) : notFound;
        case 'functions':
          return handleFunctions(options, request, name, rest.toLowerCase(), key);
        default:
          return notFound;
      }
    },
  };
}

/** Both of the first names are used for the keys that open every function. */
const keyRooms: Readonly<Record<string, KeyRoom>> = { keys: 'host', functionkeys: 'host', systemkeys: 'system' };

function handleHost(options: AdminOptions, request: AdminRequest, name: string, rest: string): AdminResponse {
  const room = keyRooms[name];
  if (room !== undefined) return answerKeys(options.keys, room, rest, request);
  if (rest !== '') return notFound;
  if (name === 'ping') return { status: 200, headers: { 'cache-control': 'no-store,no-cache', pragma: 'no-cache' } };
  if (name === 'synctriggers' && request.method === 'POST') {
    return toJson({ status: 'Invalid environment for SyncTriggers operation.' }, 500);
  }
  if (request.method !== 'GET') return notFound;
  switch (name) {
    case 'status':
      return toJson({
        id: options.hostId,
        state: 'Running',
        version: `${hostVersion}.0`,
        versionDetails: hostVersion,
        platformVersion: '',
        instanceId: '',
        computerName: '',
        processUptime: options.clock.now() - options.startedAt,
        functionAppContentEditingState: 'Unknown',
        ...describeRole(options.activeHost()),
      });
    case 'config':
      return { ...textAnswer, body: JSON.stringify(options.config(), undefined, 2) };
    case 'processes':
      return toJson({ processes: [ownProcess()] });
    default:
      return notFound;
  }
}

/** Only a standby says more than the real host does. */
function describeRole(activeHost: string | undefined): object {
  return activeHost === undefined ? {} : { taskHub: { role: 'standby', activeHost } };
}

const textAnswer = { status: 200, headers: { 'content-type': 'text/plain; charset=utf-8' } };

/** The app runs in the host's own process. */
function ownProcess(): object {
  return { processId: process.pid, processName: 'node', debugEngine: 'node', isEligibleForOpenInBrowser: false };
}

function handleFunctions(
  options: AdminOptions,
  request: AdminRequest,
  name: string,
  rest: string,
  key: string,
): AdminResponse {
  if (name === '') {
    if (request.method !== 'GET') return notFound;
    const all = [...options.runtimes.map(({ fn }) => fn), ...options.disabled];
    const sorted = all.sort((a, b) => (a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1));
    return toJson(sorted.map((fn) => describeFunction(options, fn, request.origin)));
  }
  const isNamed = (candidate: string): boolean => candidate.toLowerCase() === name.toLowerCase();
  if (rest === 'status' && key === '' && request.method === 'GET') {
    const errors = options.errors.filter(({ functionName }) => isNamed(functionName)).map(({ message }) => message);
    if (errors.length > 0) return toJson({ errors });
  }
  const runtime = options.runtimes.find(({ fn }) => isNamed(fn.name));
  const fn = runtime?.fn ?? options.disabled.find((candidate) => isNamed(candidate.name));
  if (fn === undefined) return notFound;
  if (rest === 'keys') return answerKeys(options.keys, { functionName: fn.name }, key, request);
  if (key !== '') return notFound;
  if (rest === '' && request.method === 'POST') {
    return runtime === undefined ? refuseDisabled(fn) : runFunction(options, runtime, request);
  }
  if (request.method !== 'GET') return notFound;
  if (rest === '') return toJson(describeFunction(options, fn, request.origin));
  return rest === 'status' ? toJson({}) : notFound;
}

function refuseDisabled({ name }: RegisteredFunction): AdminResponse {
  return toJson({ message: `Function ${name} is disabled (AzureWebJobs.${name}.Disabled): it can't be run.` }, 400);
}

/** Body `{ "input": "..." }`: 202 as soon as it is understood, whatever the run comes to. */
function runFunction(options: AdminOptions, runtime: FunctionRuntime, request: AdminRequest): AdminResponse {
  if (!/^application\/([\w.+-]*\+)?json\b/i.test(request.contentType ?? '')) return { status: 415 };
  let body: unknown;
  try {
    body = JSON.parse(request.body.toString());
  } catch {
    return { status: 400 };
  }
  if (typeof body !== 'object' || body === null) return { status: 400 };
  const { input } = body as { input?: unknown };
  options.run(runtime, typeof input === 'string' ? input : JSON.stringify(input ?? ''));
  return { status: 202 };
}

function describeFunction(options: AdminOptions, fn: RegisteredFunction, origin: string): object {
  const isHttp = fn.trigger.type === 'httpTrigger';
  const script = path.join(options.appDir, options.entryPoint);
  return {
    name: fn.name,
    script_root_path_href: null,
    script_href: `${origin}/admin/vfs${script}`,
    config_href: null,
    test_data_href: `${origin}/admin/vfs${path.join(options.dataDir ?? '', `${fn.name}.dat`)}`,
    href: `${origin}/admin/functions/${fn.name}`,
    invoke_url_template: isHttp ? `${origin}/${toTemplate(fn, options.routePrefix)}` : null,
    language: 'node',
    config: {
      name: fn.name,
      entryPoint: '',
      scriptFile: path.basename(script),
      language: 'node',
      functionDirectory: path.dirname(script),
      bindings: Object.entries(fn.bindings).map(([key, binding]) => ({ ...binding, name: key })),
    },
    files: null,
    test_data: '',
    isDisabled: options.disabled.includes(fn),
    isDirect: false,
    isProxy: false,
  };
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
