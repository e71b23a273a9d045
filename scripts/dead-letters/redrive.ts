import { Refused } from './app-client';
import type { Answer, Call } from './app-client';

interface Part {
  readonly total: number;
  readonly redriven: readonly Answer[];
  readonly failed: readonly { readonly id: string; readonly reason: string }[];
  readonly stopped: boolean;
  readonly next?: object;
}

/** What became of all that was asked for. */
export interface Redriven {
  readonly dryRun: boolean;
  readonly redriven: readonly Answer[];
  readonly failed: readonly { readonly id: string; readonly reason: string }[];
  /** One after another failed: the rest was left alone. */
  readonly stopped: boolean;
}

interface Wish {
  readonly by: string;
  readonly note?: string;
  readonly dryRun: boolean;
}

/** One after another, `perSecond` at most. What is refused does not keep the others from being sent. */
export async function redriveEach(
  call: Call,
  ids: readonly string[],
  wish: Wish,
  waitTurn: () => Promise<unknown>,
): Promise<Redriven> {
  const redriven: Answer[] = [];
  const failed: { id: string; reason: string }[] = [];
  for (const [index, id] of ids.entries()) {
    if (index > 0 && !wish.dryRun) await waitTurn();
    try {
      redriven.push(await call('POST', `/${encodeURIComponent(id)}/redrive`, wish));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      failed.push({ id, reason: error.message });
    }
  }
  return { dryRun: wish.dryRun, redriven, failed, stopped: false };
}

/** All that match, request by request; `onPart` is told how far it is after each. */
export async function redriveAll(
  call: Call,
  wish: Wish & { readonly perSecond?: number },
  onPart: (done: number, total: number) => void,
): Promise<Redriven> {
  const redriven: Answer[] = [];
  const failed: { id: string; reason: string }[] = [];
  let request: object | undefined = { ...wish, limit: 500 };
  let stopped = false;
  let total: number | undefined;
  while (request && !stopped) {
    const part: Part = (await call('POST', '/redrive', request)) as unknown as Part;
    total ??= part.total;
    redriven.push(...part.redriven);
    failed.push(...part.failed);
    stopped = part.stopped;
    request = part.next;
    onPart(redriven.length + failed.length, total);
  }
  return { dryRun: wish.dryRun, redriven, failed, stopped };
}
