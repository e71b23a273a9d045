import { z } from 'zod';
import { activity, parkNoticeSchema, saga, sagaClients, StepFailure } from '../src';
import type { Activity } from '../src';
import { hostFunctionsOf } from '../src/testing/host-functions';
import { SimulatedHost } from '../src/testing/simulated-host';
import { MODES } from '../src/testing/turns';
import { statusOf, Tape, taped, tapedOneWay } from './support/tape';
import type { TapePorts } from './support/tape';

const input = z.object({ n: z.number() });
const book = taped('book');
const pack = taped('pack');
const load = taped('load');
const send = tapedOneWay('send');
const told: string[] = [];
const tell = activity({
  name: 'tell',
  input: parkNoticeSchema,
  run:
    () =>
    async ({ state }) => {
      told.push(state);
    },
});

const parcel = saga({ name: 'parcel', version: '1', input }, function* (saga, { n }) {
  yield* saga.step(pack, { n });
  yield* saga.step(load, { n });
});
const trip = saga({ name: 'trip', version: '1', input, parked: tell }, function* (saga, { n }) {
  yield* saga.step(book, { n });
  yield* saga.child(parcel, { n });
  yield* saga.call(send, { n });
});

describe.each(MODES)('an undo that a build has no activity for, run by %s', (mode) => {
  /** The parent is run by a build without `load`; its child was run by one that has it. */
  const onTrip = async () => {
    told.length = 0;
    const tape = new Tape();
    tape.script('send', () => {
      throw new StepFailure({ code: 'refused', message: 'no', effect: 'none' });
    });
    const build = (activities: readonly Activity<never, unknown, TapePorts>[]) =>
      hostFunctionsOf({ ports: { tape }, sagas: [trip, parcel], activities });
    const [whole, lacking] = [build([book, pack, load, send, tell]), build([book, pack, send, tell])];
    let ofTrip = lacking;
    const host = new SimulatedHost({
      functions: { ...whole, orchestrator: (name) => (name === 'trip' ? ofTrip : whole).orchestrator(name) },
      mode,
    });
    const client = sagaClients({ trip })(host).trip;
    await client.start({ n: 1 }, { id: 'a' });
    await host.run();
    return { tape, host, client, deployWhole: () => void (ofTrip = whole) };
  };

  it('parks, and says which and what to do', async () => {
    const { tape, host, client } = await onTrip();
    expect(await statusOf(client, 'a')).toMatchObject({
      state: 'parked',
      parked: { what: 'undo', name: 'load_undo', key: 'a:parcel:1/load#1', failure: { code: 'notRegistered' } },
    });
    expect(host.logs.map(({ text }) => text).join('\n')).toContain(
      "the activity 'load', which has to undo 'a:parcel:1/load#1', is not registered in this build",
    );
    expect(tape.undone).toEqual([]);
    // Tried again by the same build it parks again.
    await client.get('a').resolve({ action: 'retry' });
    await host.run();
    expect((await statusOf(client, 'a')).state).toBe('parked');
  });

  it('can be skipped by who has undone it by hand, or given up, and the others are undone', async () => {
    for (const action of ['skip', 'fail'] as const) {
      const { tape, host, client } = await onTrip();
      await client.get('a').resolve({ action });
      await host.run();
      expect((await statusOf(client, 'a')).state).toBe(action === 'skip' ? 'compensated' : 'compensationFailed');
      expect(tape.undone.map(({ name }) => name)).toEqual(['pack', 'book']);
    }
  });

  // One that is kept goes on with its own build until its process ends: then it is replayed.
  const replayed = mode === 'replay' || mode === 'azure' ? it : it.skip;

  replayed('is run by a build that has it, though the other had parked there', async () => {
    const { tape, host, client, deployWhole } = await onTrip();
    deployWhole();
    await client.get('a').resolve({ action: 'retry' });
    await host.run();
    expect((await statusOf(client, 'a')).state).toBe('compensated');
    expect(tape.undone.map(({ name }) => name)).toEqual(['load', 'pack', 'book']);
    // A word to the outside would have been a step that the other build's history does not have.
    expect(told).toEqual([]);
  });
});
