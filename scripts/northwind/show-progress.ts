import type { Progress } from './follow-orders';

const BAR_WIDTH = 30;
const QUIET_MS = 2_000;

/** Shows progress: a bar that is drawn anew on a terminal, otherwise a line now and then. `done` ends with where it stands. */
export function showProgress(out: NodeJS.WriteStream): { draw: (progress: Progress) => void; done: () => void } {
  let lastText = '';
  let isShown = true;
  let lastAt = Number.NEGATIVE_INFINITY;
  return {
    draw(progress) {
      const text = describe(progress);
      if (out.isTTY) {
        out.write(`\r\u001b[2K${bar(progress)} ${text}`);
        return;
      }
      if (text !== lastText) isShown = false;
      lastText = text;
      if (!isShown && performance.now() - lastAt > QUIET_MS) {
        out.write(`${text}\n`);
        isShown = true;
        lastAt = performance.now();
      }
    },
    done() {
      if (out.isTTY) out.write('\n');
      else if (!isShown) out.write(`${lastText}\n`);
    },
  };
}

function bar({ ended, expected }: Progress): string {
  const filled = expected === 0 ? BAR_WIDTH : Math.min(BAR_WIDTH, Math.floor((ended / expected) * BAR_WIDTH));
  return `[${'#'.repeat(filled)}${'.'.repeat(BAR_WIDTH - filled)}]`;
}

function describe({
  expected,
  listed,
  ended,
  completed,
  compensated,
  awaitingApproval,
  approved,
  parked,
}: Progress): string {
  const parts = [`${ended} of ${expected} orders ended`, `${completed} completed`, `${compensated} compensated`];
  if (listed > ended) parts.push(`${listed - ended} under way`);
  if (awaitingApproval > 0) parts.push(`${awaitingApproval} await approval`);
  if (approved > 0) parts.push(`${approved} approved`);
  if (parked > 0) parts.push(`${parked} parked`);
  return parts.join(', ');
}
