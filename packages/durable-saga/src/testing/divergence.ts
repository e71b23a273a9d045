import type { Task } from './history';
import { describeTask } from './history';

/** A replay came to something else than what the saga had done: its body is not deterministic. */
export class SagaDivergence extends Error {
  readonly instanceId: string;
  /** Number of the turn within its history, from 1. */
  readonly turn: number;
  /** Key of the step at which they part, if it is one. */
  readonly step: string | undefined;
  /** What the saga did. */
  readonly ran: string;
  /** What its replay does. */
  readonly replayed: string;

  constructor(where: { readonly instanceId: string; readonly turn: number }, ran: Came, replayed: Came) {
    const step = stepOf(ran) ?? stepOf(replayed);
    const texts = [show(ran), show(replayed)] as const;
    super(
      `saga '${where.instanceId}' is not deterministic: its replay parts from it in turn ${where.turn}` +
        `${step === undefined ? '' : `, at '${step}'`}\n  it ran:      ${texts[0]}\n  replayed it: ${texts[1]}`,
    );
    this.name = 'SagaDivergence';
    this.instanceId = where.instanceId;
    this.turn = where.turn;
    this.step = step;
    [this.ran, this.replayed] = texts;
  }
}

/** A task, something else in words, or nothing. */
type Came = Task | string | undefined;

function show(came: Came): string {
  if (came === undefined) return 'nothing';
  return typeof came === 'string' ? came : describeTask(came);
}

function stepOf(came: Came): string | undefined {
  if (came === undefined || typeof came === 'string' || came.kind === 'timer' || came.json === undefined) {
    return undefined;
  }
  const call: unknown = JSON.parse(came.json);
  if (typeof call !== 'object' || call === null || !('$step' in call)) return undefined;
  return (call.$step as { readonly key?: string }).key;
}
