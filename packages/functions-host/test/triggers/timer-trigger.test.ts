import type { FunctionRuntime } from '../../src/app/function-runtime';
import type { InvocationCall, Invoker } from '../../src/app/invocation';
import type { RetryMetadata } from '../../src/app/registered-function';
import { parseSchedule } from '../../src/triggers/schedule';
import type { ScheduleStatus, ScheduleStatusStore } from '../../src/triggers/schedule-status';
import { createTimerTrigger } from '../../src/triggers/timer-trigger';
import { createCollectedLog } from '../support/collected-log';
import { createManualClock } from '../support/manual-clock';

const at = (text: string): number => Date.parse(`2026-11-21T${text}Z`);
const iso = (text: string): string => new Date(at(text)).toISOString();

interface TimerInput {
  IsPastDue: boolean;
  ScheduleStatus: ScheduleStatus | null;
}

function createStatuses(
  initial?: ScheduleStatus,
): ScheduleStatusStore & { status: ScheduleStatus | undefined; isDown: boolean } {
  return {
    status: initial,
    isDown: false,
    read() {
      return this.isDown ? Promise.reject(new Error('storage is down')) : Promise.resolve(this.status);
    },
    write(_name, status) {
      if (this.isDown) return Promise.reject(new Error('storage is down'));
      this.status = status;
      return Promise.resolve();
    },
  };
}

function createTimer(
  start: string,
  schedule: string,
  options: {
    statuses?: ScheduleStatusStore;
    runOnStartup?: boolean;
    retry?: RetryMetadata;
    run?: () => Promise<void>;
  } = {},
) {
  const clock = createManualClock(at(start));
  const log = createCollectedLog();
  const calls: { at: string; input: TimerInput; call: InvocationCall }[] = [];
  const invoker: Pick<Invoker, 'invoke'> = {
    async invoke(_runtime, call) {
      const input = JSON.parse(call.trigger.json ?? '') as TimerInput;
      calls.push({ at: new Date(clock.now()).toISOString(), input, call });
      await options.run?.();
      return {};
    },
  };
  const runtime = { fn: { name: 'tick', retry: options.retry } } as unknown as FunctionRuntime;
  const trigger = createTimerTrigger({
    runtime,
    schedule: parseSchedule(schedule),
    runOnStartup: options.runOnStartup ?? false,
    statuses: options.statuses,
    invoker: invoker as Invoker,
    clock,
    log,
  });
  return { clock, log, calls, trigger, times: () => calls.map((call) => call.at) };
}

describe('a timer trigger', () => {
  it('runs at each occurrence and never before', async () => {
    const { clock, trigger, times } = createTimer('08:00:10', '*/30 * * * * *');
    trigger.start();
    await clock.moveTo(at('08:01:30'));
    expect(times()).toEqual([iso('08:00:30'), iso('08:01:00'), iso('08:01:30')]);
  });

  it('notes where the schedule stands, and hands the note to the function', async () => {
    const statuses = createStatuses();
    const { clock, trigger, calls } = createTimer('08:00:10', '0 */5 * * * *', { statuses });
    trigger.start();
    await clock.moveTo(at('08:00:20'));
    expect(statuses.status).toEqual({
      Last: '0001-01-01T00:00:00Z',
      Next: iso('08:05:00'),
      LastUpdated: iso('08:00:10'),
    });
    await clock.moveTo(at('08:10:00'));
    expect(statuses.status).toMatchObject({ Last: iso('08:10:00'), Next: iso('08:15:00') });
    expect(calls[1]?.input).toMatchObject({
      IsPastDue: false,
      ScheduleStatus: { Last: iso('08:05:00'), Next: iso('08:10:00') },
    });
  });

  it('makes up, at once and once, for occurrences that passed while the host was down', async () => {
    const statuses = createStatuses({ Last: iso('08:05:00'), Next: iso('08:10:00'), LastUpdated: iso('08:05:00') });
    const { clock, trigger, calls, times } = createTimer('08:32:00', '0 */5 * * * *', { statuses });
    trigger.start();
    await clock.moveTo(at('08:35:00'));
    expect(times()).toEqual([iso('08:32:00'), iso('08:35:00')]);
    expect(calls.map(({ input }) => input.IsPastDue)).toEqual([true, false]);
    expect(calls[0]?.call.triggerDetails).toContain(`OriginalSchedule: ${iso('08:10:00')}`);
  });

  it('does not take a changed schedule for a missed occurrence', async () => {
    const statuses = createStatuses({ Last: iso('08:05:00'), Next: iso('08:10:00'), LastUpdated: iso('08:05:00') });
    const { clock, trigger, times } = createTimer('08:32:00', '0 0 * * * *', { statuses });
    trigger.start();
    await clock.moveTo(at('08:59:59'));
    expect(times()).toEqual([]);
    expect(statuses.status?.Next).toBe(iso('09:00:00'));
  });

  it('keeps an interval over a restart', async () => {
    const statuses = createStatuses({ Last: iso('08:00:00'), Next: iso('09:00:00'), LastUpdated: iso('08:00:00') });
    const { clock, trigger, times } = createTimer('08:30:00', '01:00:00', { statuses });
    trigger.start();
    await clock.moveTo(at('10:00:00'));
    expect(times()).toEqual([iso('09:00:00'), iso('10:00:00')]);
  });

  it('runs when the host starts, if asked to, and then by its schedule', async () => {
    const { clock, trigger, times } = createTimer('08:00:10', '0 * * * * *', { runOnStartup: true });
    trigger.start();
    await clock.moveTo(at('08:01:00'));
    expect(times()).toEqual([iso('08:00:10'), iso('08:01:00')]);
  });

  it('never runs twice at once, and makes up for occurrences missed during a long run once', async () => {
    let finish: (() => void) | undefined;
    const { clock, trigger, times } = createTimer('08:00:10', '0 * * * * *', {
      run: () =>
        new Promise((resolve) => {
          finish = resolve;
        }),
    });
    trigger.start();
    await clock.moveTo(at('08:03:20'));
    expect(times()).toEqual([iso('08:01:00')]);
    finish?.();
    await clock.moveTo(at('08:03:20'));
    expect(times()).toEqual([iso('08:01:00'), iso('08:03:20')]);
    finish?.();
    await clock.moveTo(at('08:04:00'));
    expect(times().slice(2)).toEqual([iso('08:04:00')]);
  });

  it('goes on after a run that failed, by its retry policy first', async () => {
    const { clock, trigger, calls, times } = createTimer('08:00:10', '0 * * * * *', {
      retry: { retryStrategy: 'fixedDelay', maxRetryCount: 2, delayInterval: { seconds: 5 } },
      run: () => Promise.reject(new Error('no luck')),
    });
    trigger.start();
    await clock.moveTo(at('08:02:00'));
    expect(times()).toEqual([iso('08:01:00'), iso('08:01:05'), iso('08:01:10'), iso('08:02:00')]);
    expect(calls[1]?.call.retryContext).toMatchObject({
      retryCount: 1,
      maxRetryCount: 2,
      exception: { message: 'no luck' },
    });
  });

  it('keeps its schedule while the note cannot be read, says so once, and looks for missed occurrences later', async () => {
    const statuses = createStatuses({ Last: iso('08:00:00'), Next: iso('09:00:00'), LastUpdated: iso('08:00:00') });
    statuses.isDown = true;
    const { clock, trigger, calls, log } = createTimer('09:30:00', '0 0 * * * *', { statuses });
    trigger.start();
    await clock.moveTo(at('09:30:20'));
    expect(calls).toHaveLength(0);
    expect(log.messages()).toEqual(["The schedule status of 'tick' can't be read: storage is down"]);
    statuses.isDown = false;
    await clock.moveTo(at('09:31:00'));
    expect(calls.map(({ input }) => input.IsPastDue)).toEqual([true]);
  });

  it('does nothing more once it is stopped', async () => {
    const { clock, trigger, times } = createTimer('08:00:10', '0 * * * * *');
    trigger.start();
    trigger.stop();
    await clock.moveTo(at('09:00:00'));
    expect(times()).toEqual([]);
    expect(clock.waiting).toBe(0);
  });

  it('waits at its closing for the note of a run that has just ended', async () => {
    const statuses = createStatuses();
    const { clock, trigger } = createTimer('08:04:50', '0 */5 * * * *', { statuses });
    trigger.start();
    await clock.moveTo(at('08:04:59'));
    let write: () => void = () => undefined;
    statuses.write = async (_name, status) => {
      await new Promise<void>((resolve) => (write = resolve));
      statuses.status = status;
    };
    await clock.moveTo(at('08:05:00'));
    trigger.stop();
    let isClosed = false;
    const closing = trigger.close?.().then(() => (isClosed = true));
    await clock.moveTo(at('08:05:01'));
    expect(isClosed).toBe(false);
    write();
    await closing;
    expect(statuses.status?.Last).toBe(iso('08:05:00'));
  });
});
