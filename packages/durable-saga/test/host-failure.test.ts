import { failureFromThrown } from '../src/failure';
import { hostFailure, replyOf } from '../src/host-failure';

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
