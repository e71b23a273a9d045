import path from 'node:path';
import { parseCommandLine } from '../../src/supervisor/command-line';
import { commandNames, usage } from '../../src/supervisor/usage';

describe('the command line', () => {
  const parse = (text: string): ReturnType<typeof parseCommandLine> =>
    parseCommandLine(text.split(' ').filter(Boolean), '/work');

  it('has a default for everything', () => {
    expect(parse('start')).toEqual({
      name: 'start',
      options: {
        appDir: path.resolve('/work'),
        dataDir: path.resolve('/work/.local'),
        clean: false,
        auth: false,
        logFormat: 'text',
        verifyReplay: 'all',
        watch: true,
      },
    });
  });

  it('reads every option, with the value behind a blank or an equals sign', () => {
    const given =
      'start --app shop --port=7072 --data /data --clean --auth --functions a b --log-format json --task-hub memory --verify-replay off --no-watch';
    expect(parse(given)).toEqual({
      name: 'start',
      options: {
        appDir: path.resolve('/work/shop'),
        dataDir: path.resolve('/data'),
        port: 7072,
        clean: true,
        auth: true,
        functions: ['a', 'b'],
        logFormat: 'json',
        taskHub: 'memory',
        verifyReplay: 'off',
        watch: false,
      },
    });
    expect(parse('start -p 0')).toMatchObject({ options: { port: 0 } });
  });

  it.each([
    ['--inspect', { port: 9229, brk: false }],
    ['--inspect=9300', { port: 9300, brk: false }],
    ['--inspect-brk', { port: 9229, brk: true }],
    ['--inspect-brk=0', { port: 0, brk: true }],
  ])('lets a debugger attach: %s', (option, inspect) => {
    expect(parse(`start ${option}`)).toMatchObject({ options: { inspect } });
  });

  it('has a help for each command, which names every option it takes and its exit codes', () => {
    const options = (text: string): string[] =>
      [...text.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map(([, name = '']) => name);
    for (const name of commandNames) {
      const text = usage(name);
      expect(text).toMatch(/^Exit codes: 0 .*2 wrong command line/m);
      const values: Record<string, string> = {
        '--port': '1',
        '--log-format': 'json',
        '--verify-replay': 'all',
        '--task-hub': 'memory',
      };
      for (const option of options(text).filter((one) => one !== '--help')) {
        const isFlag = new RegExp(`${option}(\\[| {2})`).test(text);
        expect(parse(`${name} ${option} ${isFlag ? '' : (values[option] ?? 'x')}`)).toMatchObject({ name });
      }
    }
    expect(usage()).toMatch(/start .*\n.*services .*\n.*doctor /);
  });

  it('asks for help when nothing is given, and wherever help is asked for', () => {
    expect(parse('')).toEqual({ name: 'help' });
    expect(parse('start --port x --help')).toEqual({ name: 'help', of: 'start' });
    expect(parse('-h')).toEqual({ name: 'help' });
    expect(parse('--version')).toEqual({ name: 'version' });
  });

  it.each([
    ['run', 'unknown command "run"; expected start, services, doctor'],
    ['start --prot 1', 'unknown option --prot'],
    ['start --json', '--json is no option of start, but of doctor'],
    ['doctor --clean', '--clean is no option of doctor, but of start and services'],
    ['start here', 'unexpected argument "here"'],
    ['start --port', '--port needs a value'],
    ['start --port --clean', '--port needs a value'],
    ['start --port 70000', '--port: expected a number from 0 to 65535, got "70000"'],
    ['start --log-format xml', '--log-format: expected text, json, got "xml"'],
    ['start --verify-replay some', '--verify-replay: expected all, sample, off, got "some"'],
    ['start --task-hub mysql://x', '--task-hub: expected a postgres:// URL or memory'],
    ['start --functions', '--functions needs at least one name'],
    ['start --clean=yes', '--clean takes no value'],
  ])('names what is wrong and ends with 2: %s', (given, message) => {
    let failure: unknown;
    try {
      parse(given);
    } catch (error) {
      failure = error;
    }
    expect(failure).toMatchObject({ exitCode: 2, message: expect.stringContaining(message) as string });
  });
});
