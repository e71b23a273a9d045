import { availableParallelism } from 'node:os';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { readHostJson } from '../../src/host/host-json';
import { createLogFilter } from '../../src/host/log-filter';
import { createSettings, isDisabled } from '../../src/host/settings';
import { parseTimeSpan } from '../../src/triggers/time-span';

describe('host.json', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'host-json-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });
  const read = (json: object | string, settings: Record<string, string> = {}) => {
    writeFileSync(
      path.join(folder, 'host.json'),
      typeof json === 'string' ? json : JSON.stringify({ version: '2.0', ...json }),
    );
    return readHostJson(folder, createSettings(settings));
  };

  it('has the defaults of the real host', () => {
    expect(read({})).toEqual({
      functionTimeoutMs: 1_800_000,
      logLevels: {},
      routePrefix: 'api',
      http: { maxConcurrentRequests: undefined, maxOutstandingRequests: undefined, customHeaders: {} },
      durableTask: {},
      hubName: 'TestHubName',
      extensions: {},
      concurrency: {},
      telemetryMode: 'ApplicationInsights',
      blobs: { poisonThreshold: 5, parallelism: 8 },
      queues: {
        ...{ batchSize: 16, newBatchThreshold: 8 * availableParallelism(), maxPollingMs: 2000 },
        ...{ visibilityMs: 0, maxDequeueCount: 5, messageEncoding: 'base64' },
      },
      serviceBus: {
        ...{ prefetchCount: 0, maxConcurrentCalls: 16 * availableParallelism(), maxConcurrentSessions: 8 },
        ...{ maxConcurrentCallsPerSession: 1, maxMessageBatchSize: 1000, minMessageBatchSize: 1 },
        ...{ maxBatchWaitMs: 30_000, sessionIdleMs: 60_000, maxLockRenewalMs: 300_000 },
        ...{ autoCompleteMessages: true, transport: 'tcp' },
        retry: { mode: 'exponential', maxRetries: 3, delayMs: 800, maxDelayMs: 60_000, tryTimeoutMs: 60_000 },
      },
    });
  });

  it('is read with comments and commas that JSON does not have', () => {
    expect(
      read('{ // host\n "version": "2.0", /* no limit */ "functionTimeout": "-1", }').functionTimeoutMs,
    ).toBeUndefined();
  });

  it('says how telemetry leaves the host, and names no other way than there are', () => {
    expect(read({ telemetryMode: 'openTelemetry' }).telemetryMode).toBe('OpenTelemetry');
    expect(read({}, { AzureFunctionsJobHost__telemetryMode: 'OpenTelemetry' }).telemetryMode).toBe('OpenTelemetry');
    expect(() => read({ telemetryMode: 'Otel' })).toThrow(
      /"telemetryMode" of .*host\.json must be one of None, ApplicationInsights, OpenTelemetry; got "Otel"\./,
    );
  });

  it('is overridden by settings, with names matched without case', () => {
    const json = { extensions: { http: { routePrefix: 'api' }, durableTask: { hubName: 'A' } } };
    const settings = {
      AzureFunctionsJobHost__extensions__Http__RoutePrefix: '',
      AzureFunctionsJobHost__extensions__durableTask__hubName: '%HUB%',
      AzureFunctionsJobHost__extensions__durableTask__maxConcurrentActivityFunctions: '5',
      AzureFunctionsJobHost__logging__logLevel__Function: 'Warning',
      AzureFunctionsJobHost__functionTimeout: '00:00:30',
      HUB: 'FromSetting',
    };
    expect(read(json, settings)).toMatchObject({
      routePrefix: '',
      hubName: 'FromSetting',
      durableTask: { maxConcurrentActivityFunctions: 5 },
      logLevels: { Function: 'Warning' },
      functionTimeoutMs: 30_000,
    });
  });

  it('has lists overridden by index, and made of settings alone', () => {
    const json = { extensions: { durableTask: { list: ['a', 'b'] } } };
    const settings = {
      AzureFunctionsJobHost__extensions__durableTask__list__1: 'c',
      AzureFunctionsJobHost__extensions__durableTask__list__2: 'd',
      AzureFunctionsJobHost__extensions__durableTask__made__0__name: 'x',
    };
    expect(read(json, settings).durableTask).toEqual({ list: ['a', 'c', 'd'], made: [{ name: 'x' }] });
  });

  it('limits requests and adds headers as extensions.http says, and leaves alone what this host does not know', () => {
    const http = {
      maxConcurrentRequests: 5,
      maxOutstandingRequests: -1,
      hsts: { isEnabled: true },
      customHeaders: { 'X-A': 'b', 'X-N': 1 },
    };
    expect(read({ extensions: { http, other: { a: 1 } }, watchDirectories: [] }).http).toEqual({
      maxConcurrentRequests: 5,
      maxOutstandingRequests: undefined,
      customHeaders: { 'X-A': 'b', 'X-N': '1' },
    });
  });

  it.each([
    [
      '{\n  "version": "2.0"\n  "functionTimeout": "-1"\n}',
      `line 3, column 3: expected ',' or '}', got "functionTimeout".`,
    ],
    ['{ "version": "2.0", /* a\n comment */ "a": tru }', 'line 2, column 18: expected a value, got tru.'],
    ['{ "version": "2.0"', `line 1, column 19: expected ',' or '}', got the end of the file.`],
    ["{ 'version': 2 }", "line 1, column 3: expected a name in double quotes, got '."],
    ['{ "version": "2.0" } }', 'line 1, column 22: expected the end of the file, got }.'],
    ['{ "a": ["x", "y\n"] }', 'line 1, column 14: expected a text that ends with a quote on the same line'],
    ['', 'line 1, column 1: expected a value, got the end of the file.'],
  ])('says at which line and column it is no JSON: %j', (text, place) => {
    expect(() => read(text)).toThrow(`${path.join(folder, 'host.json')} is not valid JSON: ${place}`);
  });

  it('may begin with a byte order mark', () => {
    expect(read('\uFEFF{ "version": "2.0" }').routePrefix).toBe('api');
  });

  it.each([
    [{ functionTimeout: 'soon' }, '"functionTimeout" of'],
    [{ logging: { logLevel: 'Debug' } }, 'logging.logLevel of'],
    [{ extensions: { durableTask: 5 } }, 'extensions.durableTask of'],
    [{ extensions: { blobs: { poisonBlobThreshold: 0 } } }, 'extensions.blobs.poisonBlobThreshold of'],
    [{ version: '3.0' }, '"version" of'],
    [{ extensions: { http: { maxConcurrentRequests: 0 } } }, 'extensions.http.maxConcurrentRequests of'],
    [{ extensions: { http: { customHeaders: { 'a b': 'c' } } } }, 'extensions.http.customHeaders.a b of'],
    [{ extensions: { http: { customHeaders: ['a'] } } }, 'extensions.http.customHeaders of'],
  ])('names the key of %j that is wrong', (json, message) => {
    expect(() => read(json)).toThrow(message);
  });

  it('says where it is missing', () => {
    expect(() => readHostJson(folder, createSettings({}))).toThrow(`${path.join(folder, 'host.json')} is missing`);
  });
});

describe('log levels', () => {
  it('go by the longest category that fits, then by default', () => {
    const isEnabled = createLogFilter({
      default: 'Warning',
      Function: 'Information',
      'Function.loud': 'None',
      host: 'Debug',
    });
    expect([
      isEnabled('Information', 'Other'),
      isEnabled('Warning', 'Other'),
      isEnabled('Information', 'Function.a.User'),
      isEnabled('Critical', 'Function.loud.User'),
      isEnabled('Debug', 'Host.Startup'),
      isEnabled('Trace', 'Host.Startup'),
    ]).toEqual([false, true, true, false, true, false]);
  });

  it('begin at Information when host.json says nothing', () => {
    expect([createLogFilter({})('Debug', 'X'), createLogFilter({})('Information', 'X')]).toEqual([false, true]);
  });
});

describe('settings', () => {
  it('replace each placeholder in a text, and a missing one is named', () => {
    const settings = createSettings({ A: '1', Other: '2' });
    expect(settings.resolve('x-%A%-%other%-100%')).toBe('x-1-2-100%');
    expect(() => settings.resolve('%MISSING%')).toThrow("setting 'MISSING' is not set, and '%MISSING%' needs it.");
  });

  it('turn functions off', () => {
    const settings = createSettings({
      'AzureWebJobs.a.Disabled': 'True',
      AzureWebJobs__b__Disabled: '1',
      'AzureWebJobs.c.Disabled': 'false',
      AzureWebJobs_e_Disabled: 'true',
    });
    expect(['a', 'b', 'c', 'd', 'e'].map((name) => isDisabled(settings, name))).toEqual([
      true,
      true,
      false,
      false,
      true,
    ]);
  });
});

describe('time spans', () => {
  it.each([
    ['00:10:00', 600_000],
    ['1.02:03:04', 93_784_000],
    ['00:00:00.5', 500],
    ['-00:00:01', -1000],
    ['02:30', 9_000_000],
  ])('%s is %d ms', (text, ms) => {
    expect(parseTimeSpan(text)).toBe(ms);
  });

  it.each(['', '10', '24:00:00', '00:60:00', '0 0 2 * * *', '1:2:3:4'])("'%s' is none", (text) => {
    expect(parseTimeSpan(text)).toBeUndefined();
  });
});
