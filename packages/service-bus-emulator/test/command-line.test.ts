import { homedir } from 'node:os';
import path from 'node:path';
import { parseCommandLine } from '../src/command-line';
import { EmulatorError } from '../src/emulator-error';

const cwd = path.resolve('/work');
const parse = (...args: string[]): unknown => parseCommandLine(args, cwd);

function exitCodeOf(attempt: () => unknown): number | undefined {
  try {
    attempt();
    return undefined;
  } catch (error) {
    return error instanceof EmulatorError ? error.exitCode : undefined;
  }
}

describe('the command line', () => {
  it('has the ports of the official emulator by default, and no entities', () => {
    expect(parse()).toEqual({
      name: 'run',
      verbose: false,
      options: { port: 5672, healthPort: 5300, quotas: {} },
    });
  });

  it('takes every option', () => {
    expect(
      parse(
        ...['-c', 'Config.json', '-p', '0', '--health-port=0', '--host', '0.0.0.0', '--tls', '--tls-port', '1234'],
        ...['--tls-folder', 'tls', '--data', '/data', '--sas', 'Root=a2V5==', '--sas=Other=x', '--verbose'],
        ...['--max-message-bytes', '1', '--max-batch-bytes', '2', '--max-connections', '3', '--max-entities', '4'],
        ...['--max-queue-bytes', '5'],
      ),
    ).toEqual({
      name: 'run',
      verbose: true,
      options: {
        config: path.join(cwd, 'Config.json'),
        port: 0,
        healthPort: 0,
        host: '0.0.0.0',
        tls: { port: 1234, folder: path.join(cwd, 'tls') },
        data: path.resolve('/data'),
        sasKeys: [
          { name: 'Root', key: 'a2V5==' },
          { name: 'Other', key: 'x' },
        ],
        quotas: { maxMessageBytes: 1, maxBatchBytes: 2, maxConnections: 3, maxEntities: 4, maxQueueBytes: 5 },
      },
    });
  });

  it('keeps the certificate in the home folder, so that NODE_EXTRA_CA_CERTS stays right', () => {
    expect(parse('--tls', '--no-health')).toEqual({
      name: 'run',
      verbose: false,
      options: {
        port: 5672,
        tls: { port: 5671, folder: path.join(homedir(), '.service-bus-emulator', 'tls') },
        quotas: {},
      },
    });
  });

  it.each([
    [['--prot', '1'], "Unknown option '--prot'"],
    [['Config.json'], "Unexpected argument 'Config.json'"],
    [['--port', 'x'], '--port: expected a whole number from 0 to 65535, got "x"'],
    [['--port', '65536'], '--port: expected a whole number from 0 to 65535, got "65536"'],
    [['--max-entities', '0'], '--max-entities: expected a whole number from 1, got "0"'],
    [['--sas', 'Root'], '--sas: expected NAME=KEY, got something else'],
    [['--tls-port', '1'], '--tls-port is for --tls, which is not there'],
    [['--no-health', '--health-port', '1'], '--no-health and --health-port contradict each other'],
  ])('refuses %j and says what was expected', (args, message) => {
    const attempt = (): unknown => parse(...args);
    expect(attempt).toThrow(EmulatorError);
    expect(attempt).toThrow(message);
    expect(attempt).toThrow('See service-bus-emulator --help.');
    expect(exitCodeOf(attempt)).toBe(2);
  });

  it('shows help and version before anything else', () => {
    expect(parse('-h', '--port', 'x')).toEqual({ name: 'help' });
    expect(parse('--version')).toEqual({ name: 'version' });
  });
});
