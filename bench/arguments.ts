import { parseArgs } from 'node:util';
import type { BenchOptions } from './section';

export const usage = `Usage: npm run bench -- [options]

  --peers                 DBOS and Restate as well, round by round in alternation (installs them in bench/peers first)
  --only SECTION          only this section; may be given several times (memory takes minutes, and runs only so)
  --round NAME            only this kind of round of the sections engine and overhead; may be given several times
  --repeats N             how often each round is run (default 3)
  --verify-replay HOW     all, sample or off: how much of the turns the host checks by replaying (default off)
  --log LEVEL             lowest level of the host's lines, which go to a file (default Warning)
  --against DIR           another build of packages/functions-host, in alternation
  --toolkit DIR           another build of packages/durable-saga, in alternation, in the section overhead; it must lie
                          inside the repository, to find the same durable-functions
  --json FILE             where the figures go (default .local/bench.json)
  --node="ARGUMENTS"      arguments for the host's Node, e.g. --node=--cpu-prof
`;

/** @throws Error that names the argument which is wrong, and what was expected. */
export function parseArguments(args: readonly string[]): BenchOptions | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean', short: 'h' },
      peers: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true },
      round: { type: 'string', multiple: true },
      repeats: { type: 'string', default: '3' },
      'verify-replay': { type: 'string', default: 'off' },
      log: { type: 'string', default: 'Warning' },
      against: { type: 'string' },
      toolkit: { type: 'string' },
      json: { type: 'string' },
      node: { type: 'string' },
    },
  });
  if (values.help === true) return 'help';
  const repeats = Number(values.repeats);
  if (!Number.isInteger(repeats) || repeats < 1) {
    throw new Error(`--repeats: expected a whole number from 1 on, got '${values.repeats}'.`);
  }
  return {
    peers: values.peers,
    sections: values.only,
    rounds: values.round,
    repeats,
    verifyReplay: oneOf('--verify-replay', values['verify-replay'], ['all', 'sample', 'off']),
    logLevel: oneOf('--log', values.log, ['Trace', 'Debug', 'Information', 'Warning', 'Error', 'Critical', 'None']),
    against: values.against,
    toolkit: values.toolkit,
    json: values.json,
    nodeArguments: values.node,
  };
}

function oneOf<T extends string>(option: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === value);
  if (found === undefined) throw new Error(`${option}: expected ${allowed.join(', ')}, got '${value}'.`);
  return found;
}
