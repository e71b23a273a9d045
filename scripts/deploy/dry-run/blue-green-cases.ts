import { randomUUID } from 'node:crypto';
import { until } from '../../../test/support/running-app';
import { colours } from '../two-apps';
import { BESIDE, placeOf, SMOKE } from './cases';
import type { DeployCase, Expected } from './cases';
import { createRunningOrders } from './running-orders';
import { versions } from './versions';
import type { Version } from './versions';
import { PATIENCE, Walk } from './walk';

/*
 * Two versions at once, on two local apps with task hubs of their own: a canary that is taken back, then all of the traffic,
 * with orders under way that were placed on the old app and are steered through the new one; and a version that fails beside
 * one that runs, and the one that mends it. These follow the cases of one app, and find it as those have left it.
 */

const IN_PLACE = { strategy: 'in-place', hasSecondApp: true } as const;
const CARRIES = 'See that the app beside carries nothing any more';
const PLAN = 'Work out what changes';
const CHANGE = 'Change what is to change in Azure';
const TOOLS = 'Take what the last roll-out has left';
const FAILS: Expected = { outcome: 'failure', answers: 'old', hasRolledBack: false };
const PASSES: Expected = { outcome: 'success', answers: 'new', hasRolledBack: false };

/** A case in which an error is one problem more, so that what was walked before it is shown. */
function blueGreenCase(title: string, version: Version, act: (walk: Walk) => Promise<void>): DeployCase {
  return {
    title,
    version,
    async run(dryRun) {
      const walk = new Walk(dryRun);
      try {
        await act(walk);
      } catch (error) {
        if (walk.deployment === undefined) throw error;
        walk.problems.push(String(error));
      }
      const { blue, green } = dryRun.azure.apps;
      if (walk.deployment === undefined) throw new Error(`${title}: expected a deployment`);
      const problems = [...walk.problems, ...blue.failures, ...green.failures];
      return { deployment: walk.deployment, shifts: walk.shifts, problems };
    },
  };
}

export const blueGreenCases: readonly DeployCase[] = [
  blueGreenCase(
    'a version beside the old one, whose sagas could not go on in it',
    versions.incompatible,
    async (walk) => {
      const { dryRun } = walk;
      const { front } = dryRun.azure;
      const waiting = createRunningOrders(placeOf(dryRun.app), dryRun.settings);
      const cancelled = `${walk.name}-cancelled`;
      await waiting.place();
      await walk.post(walk.app('blue'), '/api/orders', walk.order(cancelled, 'coffee', 60));
      await walk.reaches(walk.app('blue'), cancelled, 'awaitingApproval');
      const old = await walk.build(walk.app('blue'));

      dryRun.azure.next = { fails: true };
      const halfWay = await walk.deploy(versions.incompatible);
      walk.judge(halfWay.rollOut, { ...FAILS, failed: CHANGE });
      await walk.shift('green', 10, TOOLS);
      const { rollOut, build } = await walk.deployAgain();
      walk.judge(rollOut, PASSES);
      if (rollOut.outcome === 'failure') return;
      await walk.dryRun.azure.apps.green.settled();
      walk.expect('the build beside', await walk.build(walk.app('green')), build);
      front.takeCounts();
      for (let request = 0; request < 5; request += 1) walk.expect('the front', await walk.build(walk.front), old);
      walk.expect('requests before any traffic was moved', front.takeCounts(), { blue: 5, green: 0 });

      await walk.shift('green', '101', PLAN);
      await walk.shift('green', 10);
      const canary = await walk.place('canary', 20);
      walk.expect('requests of a canary of 10 %', front.takeCounts(), { blue: 18, green: 2 });
      const queued = await walk.send('queued', 4);
      walk.expect('sagas of the canary', await walk.finished(walk.front, canary), { blue: 18, green: 2 });
      walk.expect('sagas of messages meanwhile', await walk.finished(walk.front, queued), { blue: 4, green: 0 });
      await walk.post(walk.app('green'), `/api/orders/${cancelled}/cancel`, { reason: 'through the other app' });
      await walk.reaches(walk.app('green'), cancelled, 'compensated');

      await walk.shift('green', 0);
      const back = await walk.place('back', 5);
      walk.expect('requests after going back', front.takeCounts(), { blue: 5, green: 0 });
      walk.expect('sagas after going back', await walk.finished(walk.front, back), { blue: 5, green: 0 });

      await walk.shift('green', 100);
      const all = await walk.place('all', 5);
      walk.expect('requests after all traffic was moved', front.takeCounts(), { blue: 0, green: 5 });
      const queuedLater = await walk.send('later', 4);
      walk.expect('sagas of all traffic', await walk.finished(walk.front, all), { blue: 0, green: 5 });
      walk.expect('sagas of messages then', await walk.finished(walk.front, queuedLater), { blue: 0, green: 4 });

      const filed = await walk.upload('filed', 2);
      walk.expect('sagas of an uploaded file then', await walk.finished(walk.front, filed), { blue: 0, green: 2 });
      // Bought from the old app, returned through the new one, whose saga hears of it by either.
      for (const [index, colour] of colours.entries()) await walk.takeBack(String(back[index]), walk.app(colour));

      await walk.shift('blue', 10);
      const shifted = walk.shiftMeanwhile('blue', 0);
      walk.judge((await walk.deployAgain(IN_PLACE)).rollOut, PASSES);
      await shifted();
      const kept = await walk.place('kept', 5);
      walk.expect('requests after a shift during a roll-out', front.takeCounts(), { blue: 0, green: 5 });
      walk.expect('sagas after a shift during a roll-out', await walk.finished(walk.front, kept), {
        blue: 0,
        green: 5,
      });

      walk.expect('the old app is drained', await walk.isDrained('blue'), false);
      const early = await dryRun.deploy(versions.today, BESIDE);
      walk.judge(early.rollOut, { outcome: 'failure', failed: CARRIES, answers: 'old', hasRolledBack: false });
      // What they wait for comes to the new app, by HTTP and by message, and their sagas are in the old one.
      await waiting.finish(walk.front);
      await until('the old app is drained', PATIENCE, async () => ((await walk.isDrained('blue')) ? true : undefined));
    },
  ),
  blueGreenCase(
    'a version beside the old one that hangs in its smoke saga, then one that mends it',
    versions.stuck,
    async (walk) => {
      const { dryRun } = walk;
      const { front } = dryRun.azure;
      const waiting = createRunningOrders(walk.front, dryRun.settings);
      await waiting.place();
      const old = await walk.build(walk.front);
      const { rollOut } = await walk.deploy(versions.stuck);
      walk.judge(rollOut, { outcome: 'failure', failed: SMOKE, answers: 'old', hasRolledBack: false });
      await walk.shift('blue', 10, PLAN);
      for (let request = 0; request < 5; request += 1) walk.expect('the front', await walk.build(walk.front), old);
      walk.expect('requests after it failed', front.takeCounts(), { blue: 0, green: 5 });
      const queued = await walk.send('queued', 4);
      walk.expect('sagas of messages', await walk.finished(walk.front, queued), { blue: 0, green: 4 });
      walk.expect('the app beside is drained, its smoke saga ended by force', await walk.isDrained('blue'), true);

      // As a job leaves it that is killed in the middle: nobody ends it.
      const left = `smoke-${randomUUID()}`;
      const lines = [{ sku: 'smoke-test', quantity: 1 }];
      await walk.post(walk.app('blue'), '/api/orders', { ...walk.order(left), customerId: 'SMOKE-TEST', lines });
      await walk.reaches(walk.app('blue'), left, 'awaitingApproval');
      await walk.post(walk.app('blue'), `/api/orders/${left}/cancel`, {});
      await walk.reaches(walk.app('blue'), left, 'parked');
      await walk.age(left);
      walk.expect('it is drained with a smoke saga that hangs', await walk.isDrained('blue'), false);
      walk.shifts.push(rollOut);
      const mended = await walk.deploy(versions.today);
      walk.judge(mended.rollOut, PASSES);
      await walk.reaches(walk.app('blue'), left, 'compensated');
      walk.expect('the app beside is drained by the version that mends it', await walk.isDrained('blue'), true);
      await waiting.finish();
    },
  ),
];
