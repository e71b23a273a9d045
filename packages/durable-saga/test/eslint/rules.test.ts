import { RuleTester } from 'eslint';
import { parser } from 'typescript-eslint';
import { plugin } from '../../src/eslint';

const tester = new RuleTester({ languageOptions: { parser: parser, sourceType: 'module' } });

/** The lines as the body of a saga, on a line of their own. */
const body = (...lines: string[]): string =>
  `import { saga } from 'durable-saga';
export const order = saga({ name: 'order' }, function* (saga, input) {
${lines.join('\n')}
});`;

/** The lines as the body of an orchestrator of durable-functions. */
const durable = (...lines: string[]): string =>
  `import * as df from 'durable-functions';
df.app.orchestration('order', function* (context) {
${lines.join('\n')}
});`;

/** Code with one error, or one that names the message; with what the fix makes of it. */
const wrong = (code: string, messageId: string, output: string | null = null, errors = 1) => ({
  code,
  output,
  errors: Array.from({ length: errors }, () => ({ messageId })),
});

function check(rule: string, cases: { valid: string[]; invalid: ReturnType<typeof wrong>[] }): void {
  tester.run(rule, plugin.rules?.[rule] as never, cases);
}

check('no-clock', {
  valid: [
    body('const at = saga.now();'),
    body("const at = new Date('2026-01-01');"),
    // Not replayed: an activity, and what runs when the file is read.
    'export const run = () => Date.now();',
    body('yield* saga.sleep(1);') + '\nexport const read = () => new Date();',
    // Another function of that name.
    "import { saga } from './mine';\nsaga('x', () => 1);",
  ],
  invalid: [
    wrong(body('const at = Date.now();'), 'clock', body('const at = saga.now().getTime();')),
    wrong(body('const at = new Date();'), 'clock', body('const at = saga.now();')),
    wrong(body('const at = performance.now();'), 'stopwatch'),
    wrong(body('const at = process.hrtime.bigint();'), 'stopwatch'),
    wrong(durable('const at = new Date();'), 'clock', durable('const at = context.df.currentUtcDateTime;')),
    // A function that a saga uses, however far away; without the context there is nothing to write instead.
    wrong(`${body('inner();')}\nfunction inner() { return outer(); }\nconst outer = () => Date.now();`, 'clock'),
    wrong(
      `${body('yield* later(input, saga);')}\nfunction* later(order, context) { return new Date(); }`,
      'clock',
      `${body('yield* later(input, saga);')}\nfunction* later(order, context) { return context.now(); }`,
    ),
    wrong(
      'export function* pause(s: SagaContext<Events>) { return Date.now(); }',
      'clock',
      'export function* pause(s: SagaContext<Events>) { return s.now().getTime(); }',
    ),
    // Where the name means something else, nothing is put in its place.
    wrong(body('[1].map((saga) => Date.now());'), 'clock'),
    wrong(
      "import * as ds from 'durable-saga';\nds.saga({ name: 'x' }, function* (s) { return Date.now(); });",
      'clock',
      "import * as ds from 'durable-saga';\nds.saga({ name: 'x' }, function* (s) { return s.now().getTime(); });",
    ),
    wrong(
      "import * as df from 'durable-functions';\ndf.app.orchestration('x', { handler: function* (c) { return Date.now(); } });",
      'clock',
      "import * as df from 'durable-functions';\ndf.app.orchestration('x', { handler: function* (c) { return c.df.currentUtcDateTime.getTime(); } });",
    ),
  ],
});

check('no-random', {
  valid: [
    body('const n = saga.random();', 'const id = saga.newId();'),
    `import { createHash } from 'node:crypto';\n${body("createHash('sha256');")}`,
    'export const n = () => Math.random();',
  ],
  invalid: [
    wrong(body('const n = Math.random();'), 'number', body('const n = saga.random();')),
    wrong(body('const id = crypto.randomUUID();'), 'id', body('const id = saga.newId();')),
    wrong(
      `import { randomUUID } from 'node:crypto';\n${body('const id = randomUUID();')}`,
      'id',
      `import { randomUUID } from 'node:crypto';\n${body('const id = saga.newId();')}`,
    ),
    wrong(`import { v4 } from 'uuid';\n${body('const id = v4();')}`, 'id'),
    wrong(`import { randomInt } from 'crypto';\n${body('const n = randomInt(6);')}`, 'number'),
    wrong(durable('const n = Math.random();'), 'number'),
  ],
});

check('no-environment', {
  valid: [body('const limit = input.limit;'), 'export const limit = process.env.LIMIT;'],
  invalid: [
    wrong(body('const limit = process.env.LIMIT;'), 'environment'),
    wrong(body('const where = process.cwd();'), 'environment'),
    wrong(durable('const limit = process.env.LIMIT;'), 'environment'),
  ],
});

check('no-io', {
  valid: [
    `import path from 'node:path';\n${body("path.join('a', 'b');")}`,
    `import type { Pool } from 'pg';\n${body('let pool: Pool | undefined;')}`,
    `import { readFileSync } from 'node:fs';\nexport const read = () => readFileSync('x');\n${body('yield* saga.call(input);')}`,
    body('const fetch = input.fetch;', 'fetch();'),
    body('const o = { setTimeout: 1 };', 'o.setTimeout;'),
  ],
  invalid: [
    wrong(body("fetch('http://localhost');"), 'io'),
    wrong(body('setTimeout(() => 1, 5);'), 'timer'),
    wrong(body("console.log('x');"), 'log'),
    wrong(`import { readFileSync } from 'node:fs';\n${body("readFileSync('x');")}`, 'io'),
    wrong(`import fs from 'fs';\n${body("fs.readFileSync('x');")}`, 'io'),
    wrong(`const fs = require('fs');\n${body("fs.readFileSync('x');")}`, 'io'),
    wrong(`import { Pool } from 'pg';\n${body('new Pool();')}`, 'io'),
    wrong(`import { BlobServiceClient } from '@azure/storage-blob';\n${body('new BlobServiceClient(input);')}`, 'io'),
    wrong(durable("console.log('x');"), 'log'),
  ],
});

check('no-async', {
  valid: [body('yield* saga.step(a, 1);'), 'export async function run() { await 1; return Promise.all([]); }'],
  invalid: [
    wrong(
      `import { saga } from 'durable-saga';\nsaga({ name: 'x' }, async function* (saga) { yield* saga.sleep(1); });`,
      'async',
    ),
    wrong(body('await saga.step(a, 1);'), 'await', body('(yield* saga.step(a, 1));')),
    wrong(body('await work();'), 'await'),
    wrong(body('const work = async () => 1;'), 'async'),
    wrong(body('yield* saga.all(input.map(async (x) => saga.step(a, x)));'), 'async'),
    wrong(body('const all = Promise.all([]);'), 'promise'),
    wrong(body('work().then(() => 1);'), 'then'),
    wrong(durable('await work();'), 'await'),
  ],
});

check('require-yield-star', {
  valid: [
    body('const r = yield* saga.step(a, 1);', 'return yield* saga.fail({});'),
    body('yield* saga.all(input.map((x) => saga.step(a, x)));'),
    body('yield* saga.all(input.map((x) => { return saga.step(a, x); }));'),
    // Plain orchestrators do yield plainly.
    durable("yield context.df.callActivity('a');"),
    'function* plain() { yield 1; }',
    // No operation.
    body('saga.now();', 'other.step(a, 1);'),
  ],
  invalid: [
    wrong(body('yield saga.step(a, 1);'), 'plain', body('yield* saga.step(a, 1);')),
    wrong(body('yield 1;'), 'plain'),
    wrong(body('saga.step(a, 1);'), 'discarded', body('yield* saga.step(a, 1);')),
    wrong(body('return saga.fail({});'), 'returned', body('return yield* saga.fail({});')),
    wrong(
      `${body('wait(saga);')}\nfunction* wait(s) { yield* s.sleep(1); }`,
      'discarded',
      `${body('yield* wait(saga);')}\nfunction* wait(s) { yield* s.sleep(1); }`,
    ),
    wrong(
      `${body('yield* wait(saga);')}\nfunction* wait(s) { s.sleep(1); }`,
      'discarded',
      `${body('yield* wait(saga);')}\nfunction* wait(s) { yield* s.sleep(1); }`,
    ),
    // Not in a generator: there is no fix.
    wrong(body('input.forEach((x) => { saga.step(a, x); });'), 'discarded'),
  ],
});

check('no-reuse', {
  valid: [
    body('const op = saga.step(a, 1);', 'yield* op;'),
    body('const op = saga.step(a, 1);', 'if (input) return yield* op;', 'yield* op;'),
    body('const op = saga.step(a, 1);', 'if (input) yield* op; else yield* op;'),
    body('for (const x of input) { const op = saga.step(a, x); yield* op; }'),
    body('const r = yield* saga.step(a, 1);', 'use(r);', 'use(r);'),
  ],
  invalid: [
    wrong(body('const op = saga.step(a, 1);', 'yield* op;', 'yield* op;'), 'operation'),
    wrong(body('const op = saga.step(a, 1);', 'yield* saga.all([op, op]);'), 'operation'),
    wrong(body('const op = saga.step(a, 1);', 'for (const x of input) yield* op;'), 'operation'),
    wrong(
      `${body('const g = wait(saga);', 'yield* g;', 'yield* g;')}\nfunction* wait(s) { yield* s.sleep(1); }`,
      'generator',
    ),
  ],
});

check('no-large-literal', {
  valid: [
    body("yield* saga.step(a, { text: 'short' });"),
    body('yield* saga.step(a, input);'),
    `export const text = '${'x'.repeat(5_000)}';`,
  ],
  invalid: [
    wrong(body(`yield* saga.step(a, { text: '${'x'.repeat(5_000)}' });`), 'large'),
    wrong(durable(`yield context.df.callActivity('a', '${'x'.repeat(5_000)}');`), 'large'),
  ],
});

check('no-uncancelled-timer', {
  valid: [
    durable(
      'const timer = context.df.createTimer(at);',
      'yield context.df.Task.any([work, timer]);',
      'if (!timer.isCompleted) timer.cancel();',
    ),
    durable('const timer = context.df.createTimer(at);', 'yield timer;'),
    'const t = createTimer(); Task.any([t]);',
  ],
  invalid: [
    wrong(durable('const timer = context.df.createTimer(at);', 'yield context.df.Task.any([work, timer]);'), 'never'),
    wrong(durable('yield context.df.Task.any([work, context.df.createTimer(at)]);'), 'nameless'),
  ],
});

check('no-module-state', {
  valid: [
    `const limit = 5;\n${body('use(limit);')}`,
    `let count = 0;\nexport const next = () => (count += 1);\n${body('yield* saga.sleep(1);')}`,
    body('let count = 0;', 'count += 1;'),
  ],
  invalid: [
    wrong(`let count = 0;\n${body('count += 1;')}`, 'shared'),
    wrong(`var last;\n${body('use(last);')}`, 'shared'),
  ],
});
