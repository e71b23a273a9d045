import path from 'node:path';
import type { FunctionRuntime } from '../app/function-runtime';
import type { Clock } from '../clock';
import type { HttpFunction } from './http-functions';
import type { HostKeys } from './keys';

/** A request to `/admin/...`. */
interface AdminRequest {
  readonly method: string;
  /** With its leading slash, still percent-encoded. */
  readonly path: string;
  readonly body: Buffer;
  readonly contentType: string | undefined;
  readonly origin: string;
}

interface AdminResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** The host's admin API, as tools and people use it. */
export interface AdminApi {
  /** True for what needs no key. */
  isOpen(path: string): boolean;
  handle(request: AdminRequest): AdminResponse;
}

export interface AdminOptions {
  readonly appDir: string;
  readonly dataDir: string;
  /** The app's entry point, relative to `appDir`. */
  readonly entryPoint: string;
  readonly hostId: string;
  readonly runtimes: readonly FunctionRuntime[];
  readonly httpFunctions: readonly HttpFunction[];
  readonly clock: Clock;
  readonly startedAt: number;
  /** Where the host listens whose standby this one is. */
  readonly activeHost: () => string | undefined;
  /** Reads (or makes) the keys. */
  readonly keys: () => HostKeys;
  /** Starts one run of a function with a text as its trigger's input; it is not waited for. */
  run(runtime: FunctionRuntime, input: string): void;
}

const hostVersion = '4.1037.0';
const notFound: AdminResponse = { status: 404 };

/** The admin API over a loaded app. */
export function createAdminApi(options: AdminOptions): AdminApi {
  return {
    isOpen: (requestPath) => /^\/admin\/host\/ping\/?$/i.test(requestPath),
    handle(request) {
      const [, , area = '', name = '', rest = '', ...more] = request.path.split('/').map(decode);
      if (more.some((segment) => segment !== '')) return notFound;
      if (area === 'warmup' && request.method === 'GET') return { status: 200 };
      if (area === 'host') return handleHost(options, request, name.toLowerCase(), rest);
      if (area === 'functions') return handleFunctions(options, request, name, rest.toLowerCase());
      return notFound;
    },
  };
}

function handleHost(options: AdminOptions, request: AdminRequest, name: string, rest: string): AdminResponse {
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
    case 'keys':
    case 'functionkeys':
      return toKeyList(options.keys().host, request);
    case 'systemkeys':
      return toKeyList(options.keys().system, request);
    default:
      return notFound;
  }
}

/** Only a standby says more than the real host does. */
function describeRole(activeHost: string | undefined): object {
  return activeHost === undefined ? {} : { taskHub: { role: 'standby', activeHost } };
}

function handleFunctions(options: AdminOptions, request: AdminRequest, name: string, rest: string): AdminResponse {
  if (name === '') {
    if (request.method !== 'GET') return notFound;
    const sorted = [...options.runtimes].sort((a, b) => (a.fn.name.toLowerCase() < b.fn.name.toLowerCase() ? -1 : 1));
    return toJson(sorted.map((runtime) => describeFunction(options, runtime, request.origin)));
  }
  const runtime = options.runtimes.find(({ fn }) => fn.name.toLowerCase() === name.toLowerCase());
  if (runtime === undefined) return notFound;
  if (rest === '' && request.method === 'POST') return runFunction(options, runtime, request);
  if (request.method !== 'GET') return notFound;
  if (rest === '') return toJson(describeFunction(options, runtime, request.origin));
  if (rest === 'status') return toJson({});
  return rest === 'keys' ? toKeyList(options.keys().functions[runtime.fn.name] ?? {}, request) : notFound;
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

function describeFunction(options: AdminOptions, runtime: FunctionRuntime, origin: string): object {
  const { fn } = runtime;
  const http = options.httpFunctions.find((candidate) => candidate.runtime === runtime);
  const script = path.join(options.appDir, options.entryPoint);
  return {
    name: fn.name,
    script_root_path_href: null,
    script_href: `${origin}/admin/vfs${script}`,
    config_href: null,
    test_data_href: `${origin}/admin/vfs${path.join(options.dataDir, `${fn.name}.dat`)}`,
    href: `${origin}/admin/functions/${fn.name}`,
    invoke_url_template: http === undefined ? null : `${origin}/${http.template}`,
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
    isDisabled: false,
    isDirect: false,
    isProxy: false,
  };
}

function toKeyList(keys: Readonly<Record<string, string>>, request: AdminRequest): AdminResponse {
  return toJson({
    keys: Object.entries(keys).map(([name, value]) => ({ name, value })),
    links: [{ rel: 'self', href: request.origin + request.path }],
  });
}

function toJson(value: unknown, status = 200): AdminResponse {
  return { status, headers: { 'content-type': 'application/json; charset=utf-8' }, body: JSON.stringify(value) };
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
