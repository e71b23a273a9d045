import { DescribedOperation } from './operation';
import type { GroupInstruction, MemberInstruction, Tolerance } from './operation';
import { mappedInstructionOf, memberInstructionOf } from './members';
import type { GroupOptions } from './members';
import type { EventSchemas, SagaContext } from './saga';

type GroupOperations = Pick<SagaContext<EventSchemas>, 'all' | 'allSettled' | 'map' | 'race'>;

/** The operations that run several things side by side. Bad members and options are errors where they are written. */
export const groupOperations: GroupOperations = createGroupOperations();

function createGroupOperations(): GroupOperations {
  return {
    all: (members: readonly unknown[], options: GroupOptions = {}) =>
      describeGroup('all', readMembers(members, 'saga.all'), options, undefined),
    allSettled: (members: readonly unknown[], options: GroupOptions = {}) =>
      describeGroup('allSettled', readMembers(members, 'saga.allSettled'), options, {
        minSuccess: 0,
        maxFailures: Infinity,
      }),
    map: (
      items: readonly unknown[],
      each: (item: never, index: number) => unknown,
      options: GroupOptions & Partial<Tolerance> = {},
    ) => {
      const members = items.map((item, index) => mappedInstructionOf(each(item as never, index), 'saga.map'));
      return describeGroup('map', members, options, readTolerance(options));
    },
    race: (members: Readonly<Record<string, unknown>>) => {
      const entries = Object.entries(members);
      if (entries.length === 0) throw new RangeError('saga.race: expected at least one member');
      return new DescribedOperation('race', {
        do: 'race',
        members: entries.map(([name, member]) => [name, memberInstructionOf(member, 'saga.race')]),
      });
    },
  } as GroupOperations;
}

function readMembers(members: readonly unknown[], where: string): MemberInstruction[] {
  return members.map((member) => memberInstructionOf(member, where));
}

function describeGroup(
  as: GroupInstruction['as'],
  members: readonly MemberInstruction[],
  { concurrency = Infinity }: GroupOptions,
  tolerance: Tolerance | undefined,
): DescribedOperation<unknown, GroupInstruction['as']> {
  if (!(concurrency >= 1)) throw new RangeError(`saga.${as}: expected a concurrency of 1 or more, got ${concurrency}`);
  return new DescribedOperation(as, { do: 'group', as, members, concurrency, tolerance });
}

function readTolerance({ minSuccess, maxFailures }: Partial<Tolerance>): Tolerance | undefined {
  if (minSuccess === undefined && maxFailures === undefined) return undefined;
  for (const [name, count = 0] of Object.entries({ minSuccess, maxFailures })) {
    if (!(count >= 0)) throw new RangeError(`saga.map: expected ${name} of 0 or more, got ${count}`);
  }
  return { minSuccess: minSuccess ?? 0, maxFailures: maxFailures ?? Infinity };
}
