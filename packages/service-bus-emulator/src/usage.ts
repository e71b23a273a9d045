const options: readonly (readonly [shown: string, text: string])[] = [
  ['-c, --config FILE', "entities, in the official emulator's Config.json format (default: none)"],
  ['-p, --port N', 'port of AMQP (default: 5672; 0: a free one)'],
  ['--health-port N', 'port of GET /health and of the administration API without TLS (default: 5300)'],
  ['--no-health', 'leave that port out'],
  ['--host ADDRESS', 'address to listen on (default: 127.0.0.1; any other may let other machines in)'],
  ['--tls', 'also serve TLS: AMQP, AMQP over WebSockets and the administration API on one port'],
  ['--tls-port N', 'that port (default: 5671)'],
  ['--tls-folder DIR', 'where certificate and key are kept (default: ~/.service-bus-emulator/tls)'],
  ['--data DIR', 'keep entities and messages in this folder (default: nothing is kept)'],
  ['--sas NAME=KEY', 'ask every client for a token signed with this key; may be given several times'],
  ['--max-message-bytes N', 'largest message (default: 262144)'],
  ['--max-batch-bytes N', 'largest batch (default: as a message)'],
  ['--max-connections N', 'most connections (default: no limit, as for all below)'],
  ['--max-entities N', 'most queues and topics'],
  ['--max-queue-bytes N', 'most bytes in one queue or subscription'],
  ['--verbose', 'say more'],
  ['-h, --help', 'this text'],
  ['--version', 'the version'],
];

/** What `--help` prints. */
export function usage(): string {
  return [
    'Usage: service-bus-emulator [--config Config.json] [options]',
    '',
    'Emulates Azure Service Bus on this machine, until Ctrl-C.',
    '',
    'Options',
    ...options.map(([shown, text]) => `  ${shown.padEnd(24)}${text}`),
    '',
    'Exit codes: 0 stopped as told, 1 could not start, 2 wrong command line, 130 ended by a second Ctrl-C.',
    '',
  ].join('\n');
}
