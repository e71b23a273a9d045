/*
 * `functions-host doctor`: everything a start would look at, looked at one by one, with nothing started or changed, and
 * without ending at the first thing that is wrong.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type AppState, readApp } from '../supervisor/app-state';
import type { CommandOptions } from '../supervisor/command-line';
import { messageOf } from '../supervisor/failures';
import { checkApp } from './check-app';
import { checkLibraries, checkPrograms } from './check-installed';
import { checkDataFolder, checkPort } from './check-places';
import { checkSettings } from './check-settings';
import { problem, type Section } from './finding';
import type { Report } from './report';

export interface DoctorOptions extends Pick<CommandOptions, 'appDir' | 'dataDir' | 'port' | 'functions'> {
  readonly environment: NodeJS.ProcessEnv;
  readonly defaultPort: number;
  /** package.json of this package. */
  readonly packageFile: string;
  /** The program of the host's process. */
  readonly hostEntry: string;
}

export async function examine(options: DoctorOptions): Promise<Report> {
  const { appDir, dataDir } = options;
  const { version, engines } = JSON.parse(readFileSync(options.packageFile, 'utf8')) as {
    version: string;
    engines: { node: string };
  };
  const state = await readApp(appDir, options.environment).catch((error: unknown) => messageOf(error));
  const sections: Section[] = [
    {
      title: 'Installed',
      findings: [...(await checkPrograms(dataDir, engines.node)), ...checkLibraries(appDir)],
    },
    ...(typeof state === 'string' ? [{ title: 'App', findings: [problem(state)] }] : await aboutApp(options, state)),
    {
      title: 'Data',
      findings: await checkDataFolder(path.resolve(dataDir)),
    },
  ];
  const ok = sections.every(({ findings }) => findings.every(({ status }) => status !== 'problem'));
  return { version, appDir, ok, sections };
}

async function aboutApp(options: DoctorOptions, state: AppState): Promise<Section[]> {
  return [
    { title: 'App', findings: await checkApp(options.appDir, options.hostEntry, state, options.functions) },
    { title: 'Settings', findings: await checkSettings(state) },
    { title: 'Host', findings: [await checkPort(options.port ?? state.port ?? options.defaultPort)] },
  ];
}
