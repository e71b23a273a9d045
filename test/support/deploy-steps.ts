import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { DeployStep, Environment } from '../../scripts/deploy/step';

/** Runs a step of a deployment; gives back the lines that it printed. */
export async function runStep(step: DeployStep, args: readonly string[], environment: Environment = {}) {
  const lines: string[] = [];
  const print = jest.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line));
  try {
    await step.run(args, environment);
  } finally {
    print.mockRestore();
  }
  return lines;
}

/** An answer of a stand-in for an app: a status and a body, which is sent as it is when it is a text, and as JSON otherwise. */
export type Answer = readonly [status: number, body: unknown];

export interface AnsweringApp {
  readonly url: string;
  /** What was asked: `GET /api/version`. */
  readonly asked: readonly string[];
  stop(): Promise<void>;
}

/** A server that answers each request as `answer` says, with the body's JSON and the key that came with it. */
export async function startAnswering(
  answer: (request: string, body: unknown, key: string | undefined) => Answer,
): Promise<AnsweringApp> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      let text = '';
      for await (const part of request) text += String(part);
      const what = `${request.method} ${request.url}`;
      asked.push(what);
      const key = request.headers['x-functions-key'];
      const [status, body] = answer(what, text === '' ? undefined : JSON.parse(text), key?.toString());
      response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body));
    })();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

/** A folder for the tests of a file, removed after them. */
export function temporaryFolder(): { readonly path: string; file(name: string): string } {
  const folder = mkdtempSync(path.join(tmpdir(), 'deploy-step-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return { path: folder, file: (name) => path.join(folder, name) };
}

/** Runs a step; gives back the variables that it leaves for those that follow. */
export async function variablesOf(step: DeployStep, args: readonly string[], environment: Environment = {}) {
  const folder = mkdtempSync(path.join(tmpdir(), 'deploy-variables-'));
  const file = path.join(folder, 'env');
  writeFileSync(file, '');
  try {
    const lines = await runStep(step, args, { ...environment, GITHUB_ENV: file });
    const pairs = readFileSync(file, 'utf8').split('\n').filter(Boolean);
    const variables = Object.fromEntries(
      pairs.map((pair) => [pair.split('=', 1)[0] ?? '', pair.slice(pair.indexOf('=') + 1)]),
    );
    return { variables, lines };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What a program that stands in for `az` answers: JSON, or what it refuses with. */
export type AzureAnswer = { readonly json: unknown } | { readonly refusal: string };

/**
 * Puts a program `az` into a folder. It answers each call by the first of `answers` whose key the call begins with, and refuses
 * those that none is for. Gives back the environment in which it is found.
 */
export function answeringAzure(folder: string, answers: Readonly<Record<string, AzureAnswer>>): Environment {
  const file = path.join(folder, 'az');
  writeFileSync(
    file,
    `#!${process.execPath}
const call = process.argv.slice(2).join(' ');
const [, answer = { refusal: 'nothing answers: ' + call }] =
  Object.entries(${JSON.stringify(answers)}).find(([key]) => call.startsWith(key)) ?? [];
if ('json' in answer) console.log(JSON.stringify(answer.json));
else { console.error('ERROR: ' + answer.refusal); process.exitCode = 1; }
`,
  );
  chmodSync(file, 0o755);
  return { PATH: `${folder}${path.delimiter}${process.env['PATH'] ?? ''}` };
}
