import { shrink } from '../../src/testing/explorer/shrink';

interface Toy {
  readonly strikes: string;
  readonly times: number;
}

/** Fewer times are simpler. */
const simpler = ({ strikes, times }: Toy): Toy[] =>
  Array.from({ length: times - 1 }, (_, less) => ({ strikes, times: less + 1 }));

const toy = (strikes: string, times = 1): Toy => ({ strikes, times });

/** Shows a violation when these have struck, each so many times at least; counts the runs. */
function violatedBy(...needed: readonly Toy[]) {
  const tried: string[] = [];
  const stillShows = (faults: readonly Toy[]): Promise<boolean> => {
    tried.push(JSON.stringify(faults));
    return Promise.resolve(
      needed.every(({ strikes, times }) => faults.some((fault) => fault.strikes === strikes && fault.times >= times)),
    );
  };
  return { tried, stillShows };
}

describe('shrinking a schedule', () => {
  it('leaves out every fault that is not needed', async () => {
    const { stillShows } = violatedBy(toy('charge'));
    const smallest = await shrink([toy('reserve'), toy('charge'), toy('ship'), toy('mail')], { simpler, stillShows });
    expect(smallest).toEqual([toy('charge')]);
  });

  it('keeps those that are needed together, in their order', async () => {
    const { stillShows } = violatedBy(toy('reserve'), toy('reserve_undo'));
    const faults = [toy('reserve'), toy('mail'), toy('reserve_undo'), toy('ship')];
    expect(await shrink(faults, { simpler, stillShows })).toEqual([toy('reserve'), toy('reserve_undo')]);
  });

  it('makes each fault as simple as it can be', async () => {
    const { stillShows } = violatedBy(toy('reserve', 2), toy('charge', 1));
    const faults = [toy('reserve', 9), toy('charge', 9)];
    expect(await shrink(faults, { simpler, stillShows })).toEqual([toy('reserve', 2), toy('charge')]);
  });

  it('finds the empty schedule when the saga is wrong without any fault', async () => {
    const { stillShows } = violatedBy();
    expect(await shrink([toy('reserve'), toy('charge')], { simpler, stillShows })).toEqual([]);
  });

  it('runs nothing twice, and not what it was given', async () => {
    const { stillShows, tried } = violatedBy(toy('a', 2), toy('c', 3));
    const faults = [toy('a', 3), toy('b', 3), toy('c', 3)];
    await shrink(faults, { simpler, stillShows });
    expect(new Set(tried).size).toBe(tried.length);
    expect(tried).not.toContain(JSON.stringify(faults));
  });

  it('stops when its runs are used up, with what it has', async () => {
    const { stillShows, tried } = violatedBy(toy('a', 1));
    const smallest = await shrink([toy('a', 50), toy('b', 50)], { simpler, stillShows, most: 3 });
    expect(tried).toHaveLength(3);
    expect(await violatedBy(toy('a', 1)).stillShows(smallest)).toBe(true);
  });
});
