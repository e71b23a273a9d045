import type { TimerHandler } from '@azure/functions';
import type { Backlog } from '../../domain/backlog';

interface Deps {
  readonly look: () => Promise<Backlog>;
  readonly tell: (backlog: Backlog) => void;
}

/** Each minute, where telemetry is on: looks at what waits, and has it measured. */
export function measureBacklog({ look, tell }: Deps): TimerHandler {
  return async () => tell(await look());
}
