import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { EventSchemas, Saga } from '../src';
import type { ExplorationSetup, Finding } from '../src/testing';
import { ExplorationFailure, exploreSaga } from '../src/testing';
import * as approvalOfAnotherOffer from './mistakes/approval-of-another-offer';
import * as chargeWithoutAKey from './mistakes/charge-without-a-key';
import * as collectedAndForgotten from './mistakes/collected-and-forgotten';
import * as drawnInTheBody from './mistakes/drawn-in-the-body';
import * as fallbackWithoutAnUndo from './mistakes/fallback-without-an-undo';
import * as mailBeforeThePivot from './mistakes/mail-before-the-pivot';
import * as noTombstone from './mistakes/no-tombstone';
import * as notedAfterwards from './mistakes/noted-afterwards';
import * as oneKeyForTwoPayments from './mistakes/one-key-for-two-payments';
import * as readsWhatItChanges from './mistakes/reads-what-it-changes';
import * as refusalThatHadAnEffect from './mistakes/refusal-that-had-an-effect';
import * as swallowedFailure from './mistakes/swallowed-failure';
import * as timerLeftRunning from './mistakes/timer-left-running';
import * as toldCancelledTooLate from './mistakes/told-cancelled-too-late';
import * as toldShippedUnseen from './mistakes/told-shipped-unseen';
import * as undoBesideTheStep from './mistakes/undo-beside-the-step';
import * as undoNeedsTheResult from './mistakes/undo-needs-the-result';
import * as undoOvertakesItsStep from './mistakes/undo-overtakes-its-step';
import * as undoPaysOutEachTime from './mistakes/undo-pays-out-each-time';
import * as undoThrowsAtNothing from './mistakes/undo-throws-at-nothing';
import * as undoneSideBySide from './mistakes/undone-side-by-side';
import * as waitsForEver from './mistakes/waits-for-ever';

/*
 * A saga with one known mistake each: the explorer must find it, and make it small. Of the same saga without the mistake
 * it must find nothing. And what it prints must fail by itself, for the same reason.
 */

interface Explored<Ports, Input, Result, Events extends EventSchemas> {
  readonly saga: Saga<Input, Result, Events>;
  readonly setup: ExplorationSetup<Ports, Input>;
}

/** Most mistakes show under a single fault; a setup says more where its own does not. */
const budget = { pairs: 20 };

/** A file of `mistakes/`, as jest's table shows it. */
function row<P, I, R, E extends EventSchemas, P2, I2, R2, E2 extends EventSchemas>(
  file: string,
  mistake: { readonly finds: string; readonly wrong: Explored<P, I, R, E>; readonly right: Explored<P2, I2, R2, E2> },
) {
  const { finds, wrong, right } = mistake;
  return {
    file,
    finds,
    exploreWrong: () => exploreSaga(wrong.saga, { budget, ...wrong.setup }),
    exploreRight: () => exploreSaga(right.saga, { budget, ...right.setup }),
  };
}

const mistakes = [
  row('approval-of-another-offer', approvalOfAnotherOffer),
  row('charge-without-a-key', chargeWithoutAKey),
  row('collected-and-forgotten', collectedAndForgotten),
  row('drawn-in-the-body', drawnInTheBody),
  row('fallback-without-an-undo', fallbackWithoutAnUndo),
  row('mail-before-the-pivot', mailBeforeThePivot),
  row('no-tombstone', noTombstone),
  row('noted-afterwards', notedAfterwards),
  row('one-key-for-two-payments', oneKeyForTwoPayments),
  row('reads-what-it-changes', readsWhatItChanges),
  row('refusal-that-had-an-effect', refusalThatHadAnEffect),
  row('swallowed-failure', swallowedFailure),
  row('timer-left-running', timerLeftRunning),
  row('told-cancelled-too-late', toldCancelledTooLate),
  row('told-shipped-unseen', toldShippedUnseen),
  row('undo-beside-the-step', undoBesideTheStep),
  row('undo-needs-the-result', undoNeedsTheResult),
  row('undo-overtakes-its-step', undoOvertakesItsStep),
  row('undo-pays-out-each-time', undoPaysOutEachTime),
  row('undo-throws-at-nothing', undoThrowsAtNothing),
  row('undone-side-by-side', undoneSideBySide),
  row('waits-for-ever', waitsForEver),
];

const folder = path.join(__dirname, 'mistakes');
const root = path.resolve(__dirname, '../../..');
/** Milliseconds; for a machine that is busy otherwise. */
const LONGEST = 120_000;

describe('the folder of mistakes', () => {
  it('has no file that is not explored here', () => {
    const files = readdirSync(folder).filter((file) => file !== 'shop.ts');
    expect(files).toEqual(mistakes.map(({ file }) => `${file}.ts`));
  });
});

describe.each(mistakes)('$file', ({ file, finds, exploreWrong, exploreRight }) => {
  it(
    'is found, with at most three faults',
    async () => {
      const { findings } = await failureOf(exploreWrong());
      const found = findings.find(({ violation }) => violation.invariant === finds);
      expect(findings.map(({ violation }) => violation.invariant)).toContain(finds);
      expect(found?.schedule.length).toBeLessThanOrEqual(3);
      if (found !== undefined) printed.set(file, found);
    },
    LONGEST,
  );

  it(
    'is not found where it was not made',
    async () => {
      await exploreRight();
    },
    LONGEST,
  );
});

/** By file, what the explorer printed. */
const printed = new Map<string, Finding>();

describe('a printed test', () => {
  it(
    'fails for the same reason when jest runs it alone',
    async () => {
      expect([...printed.keys()]).toEqual(mistakes.map(({ file }) => file));
      const results = await runPrinted([...printed].map(([file, { test }]) => ({ file, test })));
      for (const [file, { violation }] of printed) {
        const result = results.get(file);
        expect([file, result?.status]).toEqual([file, 'failed']);
        expect(result?.message).toContain(violation.invariant);
        expect(result?.message).toContain('Expected');
      }
    },
    LONGEST,
  );
});

async function failureOf(exploration: Promise<unknown>): Promise<ExplorationFailure> {
  try {
    await exploration;
  } catch (error) {
    if (error instanceof ExplorationFailure) return error;
    throw error;
  }
  throw new Error('nothing was found');
}

/** Writes each test into a file of its own, beside what it imports, and has another jest run them. */
async function runPrinted(
  tests: readonly { readonly file: string; readonly test: string }[],
): Promise<ReadonlyMap<string, { readonly status: string; readonly message: string }>> {
  const temporary = mkdtempSync(path.join(os.tmpdir(), 'printed-tests-'));
  try {
    for (const { file, test } of tests) {
      const own = path.join(temporary, file);
      writeFileSync(`${own}.ts`, `export * from ${JSON.stringify(path.join(folder, file))};\n`);
      writeFileSync(`${own}.test.ts`, test);
    }
    const config = path.join(temporary, 'jest.config.mjs');
    const report = path.join(temporary, 'report.json');
    writeFileSync(config, jestConfig(temporary));
    await runJest('--config', config, '--json', '--outputFile', report, '--ci', '--silent');
    const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as {
      testResults: { name: string; status: string; message: string }[];
    };
    return new Map(testResults.map(({ name, ...result }) => [path.basename(name, '.test.ts'), result]));
  } finally {
    rmSync(temporary, { recursive: true });
  }
}

/** This repository's own, for the tests of another folder. */
function jestConfig(tests: string): string {
  const own = {
    rootDir: root,
    roots: [tests],
    testMatch: [`${tests}/*.test.ts`],
    modulePaths: [path.join(root, 'node_modules')],
  };
  return [
    `import { default as repository } from ${JSON.stringify(path.join(root, 'jest.config.mjs'))};`,
    `export default { ...repository, globalSetup: undefined, ...${JSON.stringify(own)} };`,
    '',
  ].join('\n');
}

async function runJest(...options: readonly string[]): Promise<void> {
  const command = path.join(root, 'node_modules/jest/bin/jest.js');
  const jest = spawn(process.execPath, [command, ...options], { cwd: root, stdio: 'ignore' });
  await new Promise((resolve, reject) => {
    jest.on('error', reject);
    jest.on('exit', resolve);
  });
}
