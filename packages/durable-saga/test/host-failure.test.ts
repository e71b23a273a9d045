import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import * as df from 'durable-functions';
import { failureFromThrown, isFailure } from '../src/definition/failure';
import { hostFailure, replyOf } from '../src/host/host-failure';
import { captureFunctions } from './support/functions-core';

describe('what hosts send', () => {
  const azureDetails = JSON.stringify({
    ClassName: 'System.Exception',
    Message: ' first',
    InnerException: { ClassName: 'Microsoft.Azure.WebJobs.Host.FunctionTimeoutException', Message: 'x' },
  });

  it.each([
    [
      'the Azure host',
      `Activity function 'flaky' failed:  it broke \n ${azureDetails}`,
      'FunctionTimeoutException',
      'it broke',
    ],
    ['free text', `Activity function 'flaky' failed: it broke \n at x`, 'host', 'it broke'],
    [
      'details that name one class',
      `it broke \n {"ClassName":"System.TimeoutException"}`,
      'TimeoutException',
      'it broke',
    ],
    ['a reason alone', 'it broke', 'host', 'it broke'],
    ['details of no use', `it broke \n [1]`, 'host', 'it broke'],
    ['nothing', '', 'host', 'Error'],
  ])('is read from Reason and Details of %s', (_what, message, code, expected) => {
    expect(hostFailure(new Error(message))).toEqual({
      kind: 'host',
      code,
      message: expected,
      retriable: true,
      effect: 'unknown',
    });
  });

  it('is read from the innermost of the FailureDetails', () => {
    const failureDetails = {
      errorType: 'DurableTask.Core.Exceptions.TaskFailedException',
      errorMessage: 'a task failed',
      innerFailure: { errorType: 'System.OutOfMemoryException', errorMessage: 'no memory left' },
    };
    expect(hostFailure(Object.assign(new Error('x'), { failureDetails }))).toMatchObject({
      code: 'OutOfMemoryException',
      message: 'no memory left',
    });
  });

  it('is clipped, since a history keeps it', () => {
    expect(hostFailure(new Error('x'.repeat(5_000))).message).toHaveLength(1_003);
  });

  it("is the activity's own reply, where there is one", () => {
    const failure = failureFromThrown(new Error('x'));
    expect(replyOf({ ok: true, value: { ok: true, value: 7 } })).toEqual({ ok: true, value: 7 });
    expect(replyOf({ ok: true, value: { ok: true } })).toEqual({ ok: true, value: undefined });
    expect(replyOf({ ok: true, value: { ok: false, failure } })).toEqual({ ok: false, failure });
    for (const value of [undefined, null, 'done', { ok: false }, { ok: 'yes' }]) {
      expect(replyOf({ ok: true, value })).toMatchObject({ ok: false, failure: { code: 'foreignReply' } });
    }
  });
});

/** What the Azure host answered about orchestrations of the reference app, whose activities throw. */
const recordings = path.join(__dirname, '../../../../shared/reference/functions-host');
const describeRecorded = existsSync(recordings) ? describe : describe.skip;

describeRecorded('what the Azure host was recorded to send (skipped where there are no recordings)', () => {
  interface Recorded {
    readonly EventType: string;
    readonly Reason?: string;
    readonly Details?: string;
    readonly FailureDetails?: unknown;
  }

  function failedTasks(name: string): Recorded[] {
    const text = readFileSync(path.join(recordings, `${name}.txt`), 'utf8');
    const body = JSON.parse(text.slice(text.indexOf('\n{'))) as { historyEvents: Recorded[] };
    return body.historyEvents.filter(({ EventType }) => EventType === 'TaskFailed');
  }

  it.each([
    ['durable-51-status-failed-history', 'activity failed on purpose: x'],
    ['durable-57-rewindable-failed-history', 'first time fails'],
    ['durable-58-retrying-history', 'first time fails'],
  ])('is read from %s', (name, message) => {
    const [failed] = failedTasks(name);
    expect(failed?.FailureDetails).toBeNull();
    // The library joins the two like this.
    expect(hostFailure(new Error(`${failed?.Reason} \n ${failed?.Details}`))).toEqual({
      kind: 'host',
      code: 'RpcException',
      message,
      retriable: true,
      effect: 'unknown',
    });
  });

  it('is read through the library, which makes an error of it', async () => {
    const [failed] = failedTasks('durable-58-retrying-history');
    const functions = captureFunctions(() => {
      df.app.orchestration('reads', function* (context) {
        try {
          yield context.df.callActivity('flaky');
        } catch (error) {
          return hostFailure(error);
        }
        return undefined;
      });
    });
    const at = new Date(0).toISOString();
    const event = (EventType: number, fields: object = {}) => ({
      EventType,
      EventId: -1,
      IsPlayed: false,
      Timestamp: at,
      ...fields,
    });
    const answer = await functions.get('reads')!.callback(
      {
        history: [
          event(12),
          event(0, { Name: 'reads', Input: 'null' }),
          event(6, { ...failed, EventType: 6, TaskScheduledId: 0, Timestamp: at }),
        ],
        input: null,
        instanceId: 'a',
        isReplaying: false,
        parentInstanceId: null,
        upperSchemaVersion: 1,
        upperSchemaVersionNew: 3,
        longRunningTimerIntervalDuration: '3.00:00:00',
        maximumShortTimerDuration: '6.00:00:00',
        defaultHttpAsyncRequestSleepTimeMillseconds: 30_000,
      },
      { log: () => undefined, extraInputs: new Map(), options: { extraInputs: [] } },
    );
    expect(answer).toMatchObject({ output: { kind: 'host', code: 'RpcException', message: 'first time fails' } });
  });
});

describe('shapes that no known host sends', () => {
  it.each([
    ['no error at all', undefined],
    ['null', null],
    ['a number', 7],
    ['a text', 'it broke'],
    ['an empty object', {}],
    ['failure details of text', { failureDetails: 'it broke' }],
    ['failure details of null', { failureDetails: null }],
    ['failure details without a message', { failureDetails: { errorType: 'X' } }],
    ['a type that is no text', { failureDetails: { errorType: 7, errorMessage: 'it broke' } }],
    ['an inner failure that is no object', { failureDetails: { errorMessage: 'it broke', innerFailure: 'inner' } }],
    ['details of a number', new Error('it broke \n 7')],
    ['details of null', new Error('it broke \n null')],
    ['an inner exception of text', new Error('it broke \n {"InnerException":"x","ClassName":7}')],
    ['a class of nothing', new Error('it broke \n {"ClassName":""}')],
    ['details cut short', new Error('it broke \n {"ClassName":"System.Exce')],
    ['a separator alone', new Error(' \n ')],
  ])('%s is a failure of the host of unknown effect', (_what, error) => {
    const failure = hostFailure(error);
    expect(failure).toMatchObject({ kind: 'host', code: 'host', retriable: true, effect: 'unknown' });
    expect(failure.message).toEqual(expect.any(String));
    expect(isFailure(failure)).toBe(true);
  });

  it('properties of an exception, told as JSON in place of its message, are read', () => {
    const told = JSON.stringify({ errorType: 'RangeError', errorMessage: 'too far', properties: { by: 7 } });
    expect(hostFailure(new Error(`Activity function 'flaky' failed:  ${told} \n at x`))).toMatchObject({
      code: 'RangeError',
      message: 'too far',
    });
  });

  it('a failure of a kind that another version knows is an error here, and says all else that it said', () => {
    const failure = { kind: 'eclipse', code: 'dark', message: 'the sun is gone', retriable: false, effect: 'none' };
    expect(replyOf({ ok: true, value: { ok: false, failure } })).toEqual({
      ok: false,
      failure: { ...failure, kind: 'error' },
    });
    expect(isFailure(failure)).toBe(false);
  });
});
