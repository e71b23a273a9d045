import { createServer, type AddressInfo } from 'node:net';
import { type HostProcessOptions, startHostProcess, stopHosts } from '../support/host-process';
import { writeApp } from '../support/write-app';

const app = "const { app, output, input } = require('@azure/functions');";
const anonymous = "authLevel: 'anonymous'";

const load = async (files: Record<string, string>, options: HostProcessOptions = {}) =>
  startHostProcess(await writeApp(files), options);

describe('loading an app', () => {
  afterEach(stopHosts);

  it('runs every file that a glob in main matches, as the modules that they are', async () => {
    const host = await load({
      'package.json': '{ "type": "module", "main": "src/{functions/**/*,extra}.{js,mjs,cjs}" }',
      'src/functions/a.js': "import { app } from '@azure/functions'; app.http('a', { handler: () => ({}) });",
      'src/functions/deep/b.cjs': `${app} app.http('b', { handler: () => ({}) });`,
      'src/functions/c.mjs':
        "import { app } from '@azure/functions'; await null; app.http('c', { handler: () => ({}) });",
      'src/functions/d.txt': 'not code',
      'src/extra.cjs': `${app} app.http('extra', { handler: () => ({}) });`,
    });
    expect([...host.functions].sort()).toEqual(['a', 'b', 'c', 'extra']);
  });

  it("shows settings as the app's environment and its folder as the current one", async () => {
    const host = await load(
      {
        'index.js': `${app} const seen = [process.env.COLOUR, process.env.WEBSITE_HOSTNAME, process.cwd() === __dirname];
          app.http('seen', { ${anonymous}, handler: () => ({ jsonBody: seen }) });`,
      },
      { settings: { COLOUR: 'red' } },
    );
    const seen = (await (await fetch(`${host.url}/api/seen`)).json()) as unknown[];
    expect(seen).toEqual(['red', new URL(host.url).host, true]);
  });

  it('loads only the functions that were asked for', async () => {
    const files = {
      'index.js': `${app} app.http('one', { handler: () => ({}) }); app.http('Two', { handler: () => ({}) });
        app.cosmosDB('unsupported', { databaseName: 'd', containerName: 'c', connection: 'C', handler: () => undefined });`,
    };
    expect((await load(files, { functions: ['two'] })).functions).toEqual(['Two']);
    await expect(load(files, { functions: ['two', 'three'] })).rejects.toThrow(
      'No function is named three. The app registers: one, Two, unsupported.',
    );
  });

  it.each<[string, Record<string, string>, string | RegExp]>([
    [
      'an entry point that throws, with its own stack',
      { 'index.js': "function deep() { throw new TypeError('no such thing'); }\ndeep();" },
      /The app's entry point index\.js threw while it was loaded:\nTypeError: no such thing\n {4}at deep \(.*index\.js:1/,
    ],
    [
      'an entry point with a syntax error',
      { 'index.js': 'const = 5;' },
      /entry point index\.js threw while it was loaded:\n(.*\n)*.*SyntaxError: Unexpected token '='/,
    ],
    [
      'an ES module with a syntax error, naming file and line',
      {
        'package.json': '{ "type": "module", "main": "index.js" }',
        'index.js': "import { app } from '@azure/functions';\nimport { x } from './deep/x.js';",
        'deep/x.js': "export { y } from '../y.js';",
        'y.js': '\n\nexport const y = ;',
      },
      /entry point index\.js threw while it was loaded:\n.*\/y\.js:3\nexport const y = ;\n +\^\n\nSyntaxError: Unexpected token ';'/,
    ],
    [
      'a module that is missing',
      { 'index.js': "require('no-such-module');" },
      /entry point index\.js threw while it was loaded:\nError: Cannot find module 'no-such-module'\nRequire stack:\n- .*index\.js/,
    ],
    [
      'an ES module that imports what is missing',
      { 'package.json': '{ "main": "index.mjs" }', 'index.mjs': "import 'no-such-module';" },
      /Cannot find package 'no-such-module' imported from .*index\.mjs/,
    ],
    [
      'an ES module whose top level rejects, with its own stack',
      { 'package.json': '{ "main": "index.mjs" }', 'index.mjs': "\nawait Promise.reject(new Error('late'));" },
      /entry point index\.mjs threw while it was loaded:\nError: late\n {4}at .*index\.mjs:2:/,
    ],
    [
      'an ES module that throws something else than an error',
      { 'package.json': '{ "main": "index.mjs" }', 'index.mjs': "throw 'just text';" },
      "entry point index.mjs threw while it was loaded:\n'just text'",
    ],
    [
      'a main that matches nothing',
      { 'package.json': '{ "main": "dist/*.js" }' },
      /No file matches "main" of .*package\.json: "dist\/\*\.js"/,
    ],
    ['a package.json that is no JSON', { 'package.json': '{' }, /package\.json is not valid JSON: /],
    ['an app that registers nothing', { 'index.js': '' }, 'No function was registered by index.js.'],
    [
      'a trigger that is not in this host, with those that are',
      {
        'index.js': `${app} app.cosmosDB('onChange', { databaseName: 'd', containerName: 'c', connection: 'C', handler: () => undefined });`,
      },
      /Function 'onChange': binding 'cosmosDBTrigger\w+': trigger type 'cosmosDBTrigger' is not in this host\. Supported triggers: httpTrigger, timerTrigger, /,
    ],
    [
      'an output that is not in this host',
      {
        'index.js': `${app} app.http('f', { handler: () => ({}), extraOutputs: [output.table({ tableName: 't', connection: 'C' })] });`,
      },
      /Function 'f': binding 'tableOutput\w+': output type 'table' is not in this host\. Supported outputs: http, blob, queue/,
    ],
    [
      'an input that is not in this host',
      {
        'index.js': `${app} app.http('f', { handler: () => ({}), extraInputs: [input.table({ tableName: 't', connection: 'C' })] });`,
      },
      /Function 'f': binding 'tableInput\w+': input type 'table' is not in this host\. Supported inputs: durableClient, blob\./,
    ],
    [
      'an output of an orchestrator',
      {
        'index.js': `${app} require('durable-functions').app.orchestration('o', { extraOutputs: [output.storageQueue({ queueName: 'q-1', connection: 'C' })], handler: function* () {} });`,
      },
      /Function 'o': binding 'queueOutput\w+' \(queue\): an orchestrationTrigger can't have outputs/,
    ],
    [
      'a connection that no setting gives, with all that were looked for',
      {
        'index.js': `${app} app.storageQueue('q', { queueName: 'q-1', connection: 'C', handler: () => undefined });`,
      },
      "Function 'q': Setting 'C' is not set, nor any other that connection 'C' can mean (tried ConnectionStrings:AzureWebJobsC, AzureWebJobsC, ConnectionStrings:C, C): expected a storage connection string",
    ],
    [
      'a queue whose name can be none',
      {
        'index.js': `${app} app.storageQueue('q', { queueName: 'a_b', connection: 'C', handler: () => undefined });`,
      },
      "Function 'q': 'a_b' is no name of a storage queue",
    ],
    [
      'a binding that nobody knows',
      {
        'index.js': `${app} app.generic('f', { trigger: { type: 'carrierPigeonTrigger', name: 't' }, handler: () => ({}) });`,
      },
      "Function 'f': binding 't': trigger type 'carrierPigeonTrigger' is unknown. Supported triggers: ",
    ],
    [
      'a setting that a binding needs and that is missing',
      { 'index.js': `${app} app.timer('t', { schedule: '%NIGHTLY%', handler: () => undefined });` },
      /Function 't': binding 'timerTrigger\w+' \(timerTrigger\): setting 'NIGHTLY' is not set, and '%NIGHTLY%' needs it\./,
    ],
    [
      'a schedule that is none',
      { 'index.js': `${app} app.timer('t', { schedule: 'every hour', handler: () => undefined });` },
      "Function 't': schedule 'every hour' must have six fields",
    ],
    [
      'a route that is not valid',
      { 'index.js': `${app} app.http('r', { route: 'a/{id:nosuch}', handler: () => ({}) });` },
      "Function 'r': Route 'api/a/{id:nosuch}' is not valid: constraint ':nosuch' is not known",
    ],
    [
      'an auth level that is none',
      { 'index.js': `${app} app.http('r', { authLevel: 'nobody', handler: () => ({}) });` },
      `Function 'r': authLevel must be one of anonymous, function, admin; got "nobody".`,
    ],
    [
      'a route of the host itself',
      { 'index.js': `${app} app.http('r', { route: '/Admin/users', handler: () => ({}) });` },
      "Function 'r': the route 'Admin/users' conflicts with built-in routes",
    ],
    [
      'a name that makes it a route of the host itself',
      { 'index.js': `${app} app.http('runtimes', { handler: () => ({}) });` },
      "Function 'runtimes': the route 'runtimes' conflicts with built-in routes",
    ],
    [
      'two functions of one name',
      { 'index.js': `${app} app.http('same', { handler: () => ({}) }); app.http('Same', { handler: () => ({}) });` },
      "Function 'Same' is registered twice (also as 'same'; names are compared without case).",
    ],
    [
      'a host.json of another version',
      { 'host.json': '{ "version": "1.0" }' },
      /"version" of .*host\.json must be "2\.0"; got "1\.0"\./,
    ],
    [
      'a log level that is none',
      { 'host.json': '{ "version": "2.0", "logging": { "logLevel": { "Function": "Loud" } } }' },
      /logging\.logLevel\."Function" of .*host\.json must be one of Trace, .*; got "Loud"\./,
    ],
  ])('refuses %s', async (_what, files, message) => {
    await expect(load(files)).rejects.toThrow(message);
  });

  it('names a port that is in use and how to take another', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as AddressInfo;
    const files = { 'index.js': `${app} app.http('f', { handler: () => ({}) });` };
    await expect(load(files, { port })).rejects.toThrow(
      `Port ${port} on 127.0.0.1 is in use by another program. Stop that program, or take another port with --port <number>.`,
    );
    await new Promise((resolve) => other.close(resolve));
  });
});

describe('an app with functions that can not run', () => {
  afterEach(stopHosts);

  it('names them and runs the others', async () => {
    const host = await load({
      'index.js': `${app}
        app.generic('unknown', { trigger: { type: 'carrierPigeonTrigger', name: 't' }, handler: () => ({}) });
        app.timer('wrong', { schedule: 'every hour', handler: () => undefined });
        app.timer('unset', { schedule: '%NIGHTLY%', handler: () => undefined });
        app.http('noBlob', { extraInputs: [input.storageBlob({ path: 'a/b', connection: 'C' })], handler: () => ({}) });
        app.http('fine', { ${anonymous}, handler: () => ({ body: 'fine' }) });`,
    });
    expect(host.functions).toEqual(['fine']);
    expect(await (await fetch(`${host.url}/api/fine`)).text()).toBe('fine');
    expect((await fetch(`${host.url}/api/noBlob`)).status).toBe(404);
    for (const [name, why] of [
      ['unknown', "binding 't': trigger type 'carrierPigeonTrigger' is unknown\\."],
      ['wrong', "schedule 'every hour' must have six fields"],
      ['unset', "binding 'timerTrigger\\w+' \\(timerTrigger\\): setting 'NIGHTLY' is not set"],
      ['noBlob', "Setting 'C' is not set"],
    ]) {
      expect(host.output()).toMatch(new RegExp(`The '${name ?? ''}' function is in error: ${why ?? ''}`));
    }
  });
});

describe('a warmup function', () => {
  afterEach(stopHosts);

  it('runs once, before the first request is taken; a failing one keeps nobody from starting', async () => {
    const host = await load({
      'index.js': `${app} let warmed = 0;
        app.warmup('warm', { handler: async (context) => { await new Promise((resolve) => setTimeout(resolve, 50)); warmed++; } });
        app.generic('cold', { trigger: { type: 'warmupTrigger', name: 'w' }, handler: () => { throw new Error('too cold'); } });
        app.http('warmed', { ${anonymous}, handler: () => ({ body: String(warmed) }) });`,
    });
    expect(await (await fetch(`${host.url}/api/warmed`)).text()).toBe('1');
    expect(host.output()).toMatch(/Executed 'Functions\.warm' \(Succeeded[\s\S]*ready:/);
    expect(host.output()).toMatch(/Executed 'Functions\.cold' \(Failed[\s\S]*too cold/);
  });
});

describe('hooks', () => {
  afterEach(stopHosts);

  it('can change inputs, handler, result and error of an invocation, and share data over it', async () => {
    const host = await load({
      'index.js': `${app}
        app.hook.preInvocation((context) => {
          context.hookData.started = 'yes';
          if (context.invocationContext.functionName === 'replaced') context.functionHandler = () => ({ body: 'from the hook' });
        });
        app.hook.postInvocation((context) => {
          if (context.invocationContext.functionName === 'failing') {
            context.result = { body: context.error.message + ' ' + context.hookData.started };
            context.error = undefined;
          }
          context.invocationContext.log('after', context.invocationContext.functionName);
        });
        app.http('replaced', { ${anonymous}, handler: () => ({ body: 'from the handler' }) });
        app.http('failing', { ${anonymous}, handler: () => { throw new Error('caught'); } });`,
    });
    const body = async (name: string): Promise<string> => (await fetch(`${host.url}/api/${name}`)).text();
    expect([await body('replaced'), await body('failing')]).toEqual(['from the hook', 'caught yes']);
    await host.waitFor(/after failing\n.*Executed 'Functions\.failing' \(Succeeded/);
  });

  it('run around every kind of invocation in the order of their registration, and can replace its inputs', async () => {
    const host = await load({
      'index.js': `${app}
        for (const name of ['first', 'second']) {
          app.hook.preInvocation((context) => {
            if (!Array.isArray(context.inputs)) throw new Error('no inputs');
            context.hookData.order = [...(context.hookData.order ?? []), name];
            if (context.invocationContext.functionName === 'tick') context.inputs = [{ replaced: name }];
          });
          app.hook.postInvocation((context) => { context.hookData.order.push(name); });
        }
        app.hook.postInvocation((context) => context.invocationContext.log('hooks ' + context.hookData.order.join() + ' gave ' + context.result));
        app.timer('tick', { schedule: '0 0 0 1 1 *', runOnStartup: true, handler: (timer) => JSON.stringify(timer) });`,
    });
    await host.waitFor(/hooks first,second,first,second gave \{"replaced":"second"\}/);
  });

  it('run when the app starts and ends, with data shared between the two, and see each line that is logged', async () => {
    const host = await load({
      'index.js': `${app}
        app.hook.appStart((context) => { context.hookData.at = 'start'; console.log('app starts'); });
        app.hook.appTerminate((context) => console.log('app ends after ' + context.hookData.at));
        app.hook.log((context) => { if (context.category === 'user') context.message = context.message.toUpperCase(); });
        app.http('f', { ${anonymous}, handler: (request, context) => { context.log('said by f'); return {}; } });`,
    });
    expect(host.output()).toMatch(/app starts[\s\S]*ready:/);
    await fetch(`${host.url}/api/f`);
    await host.waitFor(/SAID BY F/);
    await host.stop();
    expect(host.output()).toContain('app ends after start');
  });
});

describe('a generic function', () => {
  afterEach(stopHosts);

  it('answers with its http output when its return value is not the answer', async () => {
    const host = await load({
      'index.js': `${app} const answer = output.http({});
        app.generic('g', {
          trigger: { type: 'httpTrigger', name: 'req', authLevel: 'anonymous', methods: ['GET'] },
          extraOutputs: [answer],
          handler: (request, context) => { context.extraOutputs.set(answer, { status: 203, body: 'beside' }); return 'ignored'; },
        });`,
    });
    const response = await fetch(`${host.url}/api/g`);
    expect([response.status, await response.text()]).toEqual([203, 'beside']);
  });
});
