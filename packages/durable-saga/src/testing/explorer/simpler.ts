import type { Fault } from '../fault';

/** Faults of the same kind at the same place that are simpler, the simplest first. */
export function simplerFaults(fault: Fault): readonly Fault[] {
  switch (fault.kind) {
    case 'call':
      return [
        ...without(fault, 'times', 'as', 'then'),
        ...(fault.call > 1 ? [{ ...fault, call: 1 }] : []),
        ...fewerTimes(fault),
        ...without(fault, 'then'),
        ...without(fault, 'attempt'),
      ];
    case 'platform':
      return [...without(fault, 'times', 'then'), ...fewerTimes(fault), ...without(fault, 'attempt')];
    case 'late':
      return [...without(fault, 'times', 'then', 'by'), ...fewerTimes(fault), ...without(fault, 'attempt')];
    case 'twice':
      return [...(fault.how === 'after' ? [] : [{ ...fault, how: 'after' as const }]), ...without(fault, 'attempt')];
    case 'cancel':
      return without(fault, 'how');
    case 'event':
      return without(fault, 'by');
    case 'kill':
      return [];
  }
}

/** The fault with defaults in place of some fields; nothing if it has none of them. */
function without<F extends Fault>(fault: F, ...fields: readonly string[]): F[] {
  const kept = Object.entries(fault).filter(([name]) => !fields.includes(name));
  return kept.length === Object.keys(fault).length ? [] : [Object.fromEntries(kept) as unknown as F];
}

function fewerTimes<F extends Extract<Fault, { readonly times?: number | 'always' }>>(fault: F): F[] {
  const { times = 1 } = fault;
  return times === 'always' || times > 2 ? [{ ...fault, times: 2 }] : [];
}
