import { undoAtOnce } from './compensation';
import type { Done } from './done';
import { HALTED } from './done';
import type { Fiber } from './fiber';
import { parallel } from './fiber';
import type { MemberRunner } from './group';
import { endedByDefect } from './group';
import { eitherHalt } from './halt';
import type { Instance } from './instance';
import type { RaceInstruction } from '../definition/operation';
import type { Scope } from './scope';

/**
 * Runs members side by side until the first has settled. The others are told that they have lost: their waits end,
 * their timers are cancelled, no further attempt starts. Attempts under way settle, and what the losers did or maybe
 * did is undone, before the race is over: what follows never meets a loser's effect.
 */
export function* runRace(
  instance: Instance,
  { members }: RaceInstruction,
  scope: Scope,
  run: MemberRunner,
): Fiber<Done> {
  const group = scope.undos.openGroup(Infinity);
  const racers = members.map(([name, member]) => ({ name, member, undos: group.openGroup(1) }));
  let first: { readonly racer: (typeof racers)[number]; readonly done: Done } | undefined;
  let ended: Done | undefined;
  const isOver = (): boolean => first !== undefined || ended !== undefined;
  const halt = eitherHalt(scope.halt, isOver);
  const lost = eitherHalt(scope.lost, isOver);
  const starts = racers.map(
    ({ member, undos }) =>
      () =>
        run(member, { undos, halt, lost }),
  );
  yield* parallel<Done>(starts, {
    limit: Infinity,
    mayStart: () => !halt.halted(),
    onSettled(index, done) {
      const racer = racers[index];
      if (done.kind === 'ended') ended ??= done;
      else if (done.kind !== 'halted' && racer !== undefined) first ??= { racer, done };
    },
    onThrown: endedByDefect,
  });
  if (ended !== undefined) return ended;
  if (scope.halt.halted() || first === undefined) return HALTED;
  const { racer: winner, done } = first;
  const losers = racers.filter((racer) => racer !== winner).map(({ undos }) => undos);
  const givenUp = yield* undoAtOnce(instance, losers, Infinity);
  if (givenUp !== undefined) return givenUp;
  return done.kind === 'value' ? { kind: 'value', value: { winner: winner.name, value: done.value } } : done;
}
