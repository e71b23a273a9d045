import type { VirtualClock } from '../clock-virtual';
import type { WaitingTimer } from './test-host';

/**
 * What a clock has that an author would call a timer, in the order in which it comes.
 * @param customStatusOf the custom status (JSON) of an instance: a saga says there what it waits for.
 */
export function listTimers(
  clock: Pick<VirtualClock, 'waiting'>,
  customStatusOf: (instanceId: string) => string | undefined,
): WaitingTimer[] {
  return clock.waiting().flatMap(({ at, about }) => {
    if (about === undefined || about.kind === 'timeout') return [];
    const isDurable = about.kind === 'durable' && about.instanceId !== undefined;
    const status = isDurable ? readStatus(customStatusOf(about.instanceId)) : undefined;
    return [{ ...about, at: new Date(at), ...whatFor(status, at) }];
  });
}

/** A saga's custom status, as far as it tells what the saga waits for. */
interface ShownSaga {
  readonly waitingFor?: { readonly event?: string; readonly until?: string };
  readonly steps?: readonly { readonly key?: unknown; readonly state?: unknown }[];
}

function readStatus(json: string | undefined): ShownSaga | undefined {
  const status: unknown = json === undefined ? undefined : JSON.parse(json);
  return typeof status === 'object' && status !== null && 'saga' in status ? (status as ShownSaga) : undefined;
}

function whatFor(saga: ShownSaga | undefined, at: number): Pick<WaitingTimer, 'event' | 'step'> {
  const { event, until } = saga?.waitingFor ?? {};
  if (event !== undefined && until !== undefined && Date.parse(until) === at) return { event };
  const steps = saga?.steps?.filter(({ state }) => state === 'retrying') ?? [];
  const [only] = steps;
  return steps.length === 1 && typeof only?.key === 'string' ? { step: only.key } : {};
}
