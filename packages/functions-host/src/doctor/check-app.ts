import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { readHostJson } from '../host/host-json';
import { createSettings } from '../host/settings';
import type { AppState } from '../supervisor/app-state';
import { messageOf } from '../supervisor/failures';
import { type Finding, info, ok, problem, warning } from './finding';
import { tryApp } from './try-app';

/** Whether the app's files are right, and whether its code loads: it is run in a process of its own, up to where it would take work. */
export async function checkApp(
  appDir: string,
  hostEntry: string,
  state: AppState,
  only: readonly string[] | undefined,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  try {
    readHostJson(appDir, createSettings(state.settings));
    findings.push(ok('host.json'));
  } catch (error) {
    findings.push(problem(messageOf(error)));
  }
  findings.push(
    existsSync(path.join(appDir, 'local.settings.json'))
      ? ok('local.settings.json')
      : info('There is no local.settings.json: settings come from the environment alone'),
  );
  if (findings.some(({ status }) => status === 'problem')) return findings;
  return [...findings, ...(await checkCode(appDir, hostEntry, state, only)), ...oldModel(appDir)];
}

async function checkCode(
  appDir: string,
  hostEntry: string,
  { settings }: AppState,
  only: readonly string[] | undefined,
): Promise<Finding[]> {
  const outcome = await tryApp({ appDir, hostEntry, settings, ...(only && { only }) });
  if ('failure' in outcome) {
    const printed = outcome.printed === '' ? '' : `\nIt printed:\n${outcome.printed}`;
    return [problem(`The app does not load. ${outcome.failure}${printed}`)];
  }
  const { functions, errors, hasInvocationHooks, isDurable } = outcome.app;
  const lines = functions.map(({ name, trigger, methods, url }) =>
    url === undefined ? `${name}: ${trigger}` : `${name}: [${methods.join(',')}] ${url}`,
  );
  return [
    ok(
      [
        `The app loads, with ${functions.length === 1 ? '1 function' : `${functions.length} functions`}:`,
        ...lines,
      ].join('\n'),
    ),
    ...errors.map(({ functionName, message }) => problem(`The function '${functionName}' is in error: ${message}`)),
    ...(isDurable && hasInvocationHooks
      ? [
          warning(
            'The app has invocation hooks, which have to see every invocation: each turn of an orchestration is a replay',
          ),
        ]
      : []),
  ];
}

/** Functions of the older models are folders with a function.json, which no host of this kind looks for. */
function oldModel(appDir: string): Finding[] {
  const folders = readdirSync(appDir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(path.join(appDir, entry.name, 'function.json')))
    .map(({ name }) => name);
  if (folders.length === 0) return [];
  return [
    problem(
      `${folders.join(', ')}: functions with a function.json are of an older programming model, which this host does not run. ` +
        'Register them in code, with "app" of @azure/functions 4.x',
    ),
  ];
}
