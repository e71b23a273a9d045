import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { StepFailed } from './step';

/*
 * Two versions at once are two apps, blue and green, each with a task hub of its own. What one of them does beside answering
 * requests is its duty. Requests are divided by weight; messages and files cannot be: whoever reads a queue reads it as fast
 * as it can, and a canary of 5 % that read messages would take half of them. So they are read by one app as a whole.
 *
 *   leads    has half of the traffic or more: reads messages and files, and its timers run
 *   follows  has less, or none any more: reads no messages; its timers run, since its own sagas and rows need them
 *   waits    its version has not yet sent a saga through: neither, and no traffic
 *
 * A duty is kept where it works: in the settings by which the platform turns a function off.
 */

export type Colour = 'blue' | 'green';
export const colours: readonly Colour[] = ['blue', 'green'];

export const duties = ['leads', 'follows', 'waits'] as const;
export type Duty = (typeof duties)[number];

export const otherThan = (colour: Colour): Colour => (colour === 'blue' ? 'green' : 'blue');

const triggersSchema = z.strictObject({ messages: z.array(z.string()).min(1), timers: z.array(z.string()).min(1) });
type Triggers = z.infer<typeof triggersSchema>;

/** The functions that start by themselves, in the folder of the infrastructure: main.bicep reads this file as well. */
const TRIGGERS = 'triggers.json';

/** An app's settings, as `az functionapp config appsettings list` says them and `set --settings @file` takes them. */
export const settingsSchema = z.array(z.object({ name: z.string(), value: z.string().nullable() }));
export type AppSettings = z.infer<typeof settingsSchema>;

async function readTriggers(infra: string): Promise<Triggers> {
  const file = path.join(infra, TRIGGERS);
  try {
    return triggersSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    throw new StepFailed(`could not read ${file}: ${String(error)}`);
  }
}

const settingOf = (name: string): string => `AzureWebJobs.${name}.Disabled`;

/** The settings by which an app has this duty: each function that starts by itself, on or off. */
export async function settingsOf(
  duty: Duty,
  infra = 'infra',
): Promise<{ name: string; value: string; slotSetting: boolean }[]> {
  const { messages, timers } = await readTriggers(infra);
  const toSettings = (names: readonly string[], isOff: boolean) =>
    names.map((name) => ({ name: settingOf(name), value: String(isOff), slotSetting: false }));
  return [...toSettings(messages, duty !== 'leads'), ...toSettings(timers, duty === 'waits')];
}

/** The duty that an app's settings give it; one with all functions on leads. */
export async function dutyOf(settings: AppSettings): Promise<Duty> {
  const { messages, timers } = await readTriggers('infra');
  const off = new Set(settings.filter(({ value }) => /^(?:true|1)$/i.test(value ?? '')).map(({ name }) => name));
  if (timers.some((name) => off.has(settingOf(name)))) return 'waits';
  return messages.some((name) => off.has(settingOf(name))) ? 'follows' : 'leads';
}
