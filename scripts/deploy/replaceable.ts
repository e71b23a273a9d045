import { parseArgs } from 'node:util';
import { InstanceSource, InstanceSourceError } from 'durable-saga/testing';
import type { InstanceSourceOptions } from 'durable-saga/testing';
import { countUnfinished } from '../../src/adapters/postgres-backlog';
import { askApp, Unreachable } from './app-client';
import { withDatabase } from './database-place';
import { showTable } from './job-summary';
import { countSmokeOrders, findSmokeInstances } from './smoke-orders';
import type { DeployStep, Environment } from './step';
import { requireUrl, StepFailed } from './step';

/*
 * Whether the app beside may get another version: only when nothing is left that the one in it alone can carry on. An app carries a
 * saga from the moment in which it accepted the order, before anything of it is in the task hub; and it carries what the hub has
 * and no row tells of, such as a recovery. So both are looked at, the rows and the instances.
 *
 * The rows are counted in the database, which says the same whether the app answers, hangs or is gone. Instances are asked of
 * the app, and of the one that leads where the app says nothing: a durable client reaches any hub of its store. When neither
 * can say, the rows decide, and the log says so.
 *
 * Smoke orders don't count: a version that hangs in one must not keep out the version that mends it.
 */

const USAGE = `replaceable --url <url> --leader <url> --hub <name> [--take-over <name>]
  --hub         the app's task hub
  --leader      the app that leads, which is asked for that hub's instances when --url does not answer
  --take-over   of a hub of this name, whatever it still carries may be taken over by the version that comes
DATABASE_URL, FUNCTION_KEY, REPLAY_GATE_KEY (the system key durabletask_extension) and, of the app that leads, OTHER_REPLAY_GATE_KEY are
taken from the environment, and APP (blue, green): rows that belong to no task hub are older than the second app, green, and none of its.`;

export const replaceable: DeployStep = {
  summary: 'sees that an app carries nothing any more that another version could not go on with',
  usage: USAGE,
  async run(args, environment) {
    const { url, leader, hub, takeOver } = readOptions(args);
    await expectOwnHub(url, hub, environment['FUNCTION_KEY']);
    const ids = await listInstances([
      { from: url, key: environment['REPLAY_GATE_KEY'] || undefined },
      { from: leader, key: environment['OTHER_REPLAY_GATE_KEY'] || undefined, taskHub: hub },
    ]);
    const { orders, returns, imports, smoke, instances } = await count(hub, ids ?? [], environment);
    const rows = { orders, returns, imports, instances: ids === undefined ? undefined : instances };
    await showTable(
      `What task hub ${hub} still carries`,
      [
        ['what', 'unfinished'],
        ...Object.entries(rows).map(([what, number]) => [what, number === undefined ? 'not known' : String(number)]),
        ['smoke orders, which do not count', String(smoke)],
      ],
      environment,
    );
    if (Object.values(rows).every((number) => number === undefined || number === 0)) {
      console.log(`${hub} carries nothing that another version could not go on with`);
      if (ids !== undefined) return;
      console.log(
        `::warning::The instances of ${hub} could not be counted. No row of it is unfinished, which has to do.`,
      );
      return;
    }
    if (takeOver !== hub) {
      throw new StepFailed(
        `task hub ${hub} still carries sagas: only the version that they run on can end them. Where that can't be, and the new version ` +
          `is to take them over, run this again with take-over: ${hub}`,
      );
    }
    console.log(`::warning::What ${hub} still carries is taken over by the new version, as the input take-over says.`);
  },
};

async function count(hub: string, ids: readonly string[], environment: Environment) {
  return withDatabase(
    environment,
    (place) => `count what task hub ${hub} carries in ${place}`,
    async (database) => {
      // Rows of no hub are from before there was a second app.
      const withoutHub = environment['APP'] === 'green' ? 'not its' : 'its';
      const { orders, returns, imports } = await countUnfinished(database, hub, withoutHub);
      const smoke = await countSmokeOrders(database, hub, withoutHub);
      const instances = ids.length - (await findSmokeInstances(database, ids)).size;
      return { orders: orders - smoke, returns, imports, smoke, instances };
    },
  );
}

/** An app that says nothing has no say; one that works on another hub is not the one that was looked at. */
async function expectOwnHub(url: string, hub: string, key: string | undefined): Promise<void> {
  const answer = await askApp(url, key)('GET', '/api/task-hub').catch((error: unknown) => {
    if (error instanceof Unreachable) return undefined;
    throw error;
  });
  const { taskHub } = (answer?.body ?? {}) as { readonly taskHub?: unknown };
  if (answer?.status === 200 && taskHub !== hub) {
    throw new StepFailed(`${url} works on task hub ${String(taskHub)}, but the app that leads was told of ${hub}`);
  }
}

/** Ids of a hub's unfinished instances from the first place that can say; undefined when none can. */
async function listInstances(places: readonly InstanceSourceOptions[]): Promise<string[] | undefined> {
  for (const place of places) {
    try {
      const ids: string[] = [];
      for await (const { instanceId } of new InstanceSource(place).unfinished()) ids.push(instanceId);
      return ids;
    } catch (error) {
      if (!(error instanceof InstanceSourceError)) throw error;
      console.log(`the instances could not be counted: ${error.message}`);
    }
  }
  return undefined;
}

function readOptions(args: readonly string[]) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      url: { type: 'string' },
      leader: { type: 'string' },
      hub: { type: 'string' },
      'take-over': { type: 'string' },
    },
  });
  const { hub = '' } = values;
  if (hub.trim() === '') {
    throw new StepFailed(
      'the app that leads was not told of the task hub of the app beside it (OTHER_TASK_HUB): roll out in its place first, with SECOND_APP',
    );
  }
  return {
    url: requireUrl('--url', values.url),
    leader: requireUrl('--leader', values.leader),
    hub,
    takeOver: values['take-over'],
  };
}
