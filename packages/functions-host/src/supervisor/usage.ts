/** The commands, and what their help says. */
export const commandNames = ['start', 'services', 'doctor'] as const;
export type CommandName = (typeof commandNames)[number];

interface OptionHelp {
  /** The option's long name, as it is parsed. */
  readonly name: string;
  readonly shown: string;
  readonly text: string;
  readonly commands: readonly CommandName[];
}

const all = commandNames;
const running = ['start', 'services'] as const;

const options: readonly OptionHelp[] = [
  {
    name: '--app',
    shown: '--app DIR',
    text: "the app's folder, with host.json and package.json (default: this folder)",
    commands: all,
  },
  {
    name: '--port',
    shown: '-p, --port N',
    text: 'port of the host (default: Host.LocalHttpPort of local.settings.json, else 7071; 0: a free one)',
    commands: all,
  },
  {
    name: '--data',
    shown: '--data DIR',
    text: "where everything is kept (default: .local in the app's folder)",
    commands: all,
  },
  { name: '--clean', shown: '--clean', text: 'empty the data folder first', commands: running },
  { name: '--auth', shown: '--auth', text: 'ask for function and host keys, as in Azure', commands: ['start'] },
  {
    name: '--functions',
    shown: '--functions A B ...',
    text: 'run only these functions',
    commands: ['start', 'doctor'],
  },
  {
    name: '--task-hub',
    shown: '--task-hub WHERE',
    text: 'a postgres:// URL, or `memory` to keep nothing (default: setting FUNCTIONS_HOST_TASK_HUB,\nelse a database of our own)',
    commands: ['start'],
  },
  {
    name: '--verify-replay',
    shown: '--verify-replay HOW',
    text: 'all, sample or off: how much of the running orchestrations is checked by replaying (default: all)',
    commands: ['start'],
  },
  { name: '--log-format', shown: '--log-format HOW', text: 'text or json (default: text)', commands: running },
  {
    name: '--inspect',
    shown: '--inspect[=PORT]',
    text: 'let a debugger attach to the app (default: 9229)',
    commands: ['start'],
  },
  {
    name: '--inspect-brk',
    shown: '--inspect-brk[=PORT]',
    text: 'the same, and wait for it before the app is loaded',
    commands: ['start'],
  },
  {
    name: '--no-watch',
    shown: '--no-watch',
    text: "do not restart the host when the app's files change",
    commands: ['start'],
  },
  { name: '--json', shown: '--json', text: 'the findings as JSON', commands: ['doctor'] },
];

const about: Readonly<Record<CommandName, { readonly summary: string; readonly exitCodes: string }>> = {
  start: {
    summary: 'start what the settings ask for, then the host with the app, until Ctrl-C',
    exitCodes: '0 stopped as told, 1 could not start or go on, 2 wrong command line, 130 ended by a second Ctrl-C',
  },
  services: {
    summary: 'start everything but the host, e.g. for use with `func start`',
    exitCodes: '0 stopped as told, 1 could not start or go on, 2 wrong command line, 130 ended by a second Ctrl-C',
  },
  doctor: {
    summary: 'say what is installed, what the settings point at, and why an app does not load',
    exitCodes: '0 no problem found, 1 at least one, 2 wrong command line',
  },
};

/** The commands that know an option. */
export function commandsWith(option: string): readonly CommandName[] {
  return options.find(({ name }) => name === option)?.commands ?? [];
}

/** The help of one command, or of all of them. */
export function usage(command?: CommandName): string {
  return command === undefined ? overview() : helpOf(command);
}

function overview(): string {
  return [
    'Usage: functions-host <command> [options]',
    '',
    'Runs an Azure Functions app (Node v4 model, Durable Functions) on this machine.',
    '',
    'Commands',
    ...commandNames.map((name) => toLine(name, about[name].summary)),
    '',
    'Options',
    toLine('-h, --help', 'this text; after a command, its own with all of its options'),
    toLine('--version', 'the version'),
    '',
    'Exit codes: 0 stopped as told, or no problem found; 1 could not start or go on, or a problem found;',
    '2 wrong command line; 130 ended by a second Ctrl-C.',
    '',
  ].join('\n');
}

function helpOf(command: CommandName): string {
  const { summary, exitCodes } = about[command];
  return [
    `Usage: functions-host ${command} [options]`,
    '',
    `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`,
    '',
    'Options',
    ...options.filter(({ commands }) => commands.includes(command)).map(({ shown, text }) => toLine(shown, text)),
    toLine('-h, --help', 'this text'),
    '',
    `Exit codes: ${exitCodes}.`,
    '',
  ].join('\n');
}

function toLine(left: string, right: string): string {
  return `  ${left.padEnd(22)}${right.replaceAll('\n', `\n${' '.repeat(24)}`)}`;
}
