import type { InvocationContext } from '@azure/functions';
import type { DurableClientPort } from 'durable-saga';
import type { SagaStarter } from '../ports';

/*
 * Two apps may run beside each other, an old version and a new one, on one database and one Service Bus, each with a task
 * hub of its own. A saga lives and ends in the hub in which it was started. Its row says which one that is: the hub of the
 * app that accepted it. Requests, events and timers come to either app, so whatever reaches a saga goes by its row:
 *
 * - asking and telling goes to the row's hub, through a second client if that is the other app's;
 * - starting is left to the row's own app. Its hub has the code for the version with which it starts sagas, ours may not;
 * - a row without a hub is from before there could be two, and is looked for in both;
 * - a row of a third hub is nobody's here: it is refused, since a guess would start a second saga for one order.
 *
 * With one app there is no second client, and a row without a hub is that app's.
 */

/** The task hubs as an invocation reaches them. */
export interface TaskHubs {
  readonly own: DurableClientPort;
  /** That of the other app; undefined where there is one app, without a client where only the own hub can be reached. */
  readonly other?: { readonly name: string; readonly client?: DurableClientPort } | undefined;
}

export type TaskHubsOf = (context: InvocationContext) => TaskHubs;

/** A row as far as its saga's place matters. */
export interface HubRow {
  readonly id: string;
  readonly taskHub?: string | undefined;
}

/** From here the saga of the row can't be reached, or not be started: somebody else can, or later. */
export class SagaOutOfReach extends Error {
  override readonly name = 'SagaOutOfReach';
  readonly code = 'sagaOutOfReach';
}

/** The client that reaches the row's saga. Throws `SagaOutOfReach`. */
export async function reachSaga(hubs: TaskHubs, row: HubRow): Promise<DurableClientPort> {
  const { own, other } = hubs;
  if (row.taskHub === undefined) return other === undefined ? own : findSaga(own, other, row.id);
  if (row.taskHub === own.taskHubName) return own;
  if (row.taskHub === other?.name && other.client) return other.client;
  const known = [own.taskHubName, other?.name].filter((name) => name !== undefined).map((name) => `"${name}"`);
  const place = `"${row.taskHub}" is the task hub of ${row.id}`;
  throw new SagaOutOfReach(
    row.taskHub === other?.name
      ? `${place}, which can't be reached from here`
      : `${place}, which is unknown to this app: it knows ${known.join(' and ')}`,
  );
}

/** Where there is a saga for a row without a hub; where there is none it may be in the own hub, as any new one. */
async function findSaga(
  own: DurableClientPort,
  { name, client: other }: NonNullable<TaskHubs['other']>,
  id: string,
): Promise<DurableClientPort> {
  if (!other) throw new SagaOutOfReach(`${id} has no task hub, and "${name}" can't be asked from here`);
  if (await isThere(own, id)) return own;
  return (await isThere(other, id)) ? other : own;
}

async function isThere(client: DurableClientPort, id: string): Promise<boolean> {
  try {
    await client.getStatus(id, { showInput: false });
    return true;
  } catch (error) {
    if (error instanceof Error && /HTTP 404\b/.test(error.message)) return false;
    throw error;
  }
}

/**
 * The client to start the row's saga with. A row without a hub gets one, so that of two apps that find it at the same moment
 * one starts it. Throws `SagaOutOfReach` when that is not the own app.
 */
export async function hubToStartIn(
  hubs: TaskHubs,
  row: HubRow,
  adopt: (taskHub: string) => Promise<string>,
): Promise<DurableClientPort> {
  const taskHub = row.taskHub ?? (hubs.other && (await adopt(nameOf(await reachSaga(hubs, row)))));
  const client = await reachSaga(hubs, { id: row.id, taskHub });
  if (client === hubs.own) return client;
  throw new SagaOutOfReach(`${row.id} is not started yet; the app of its task hub "${taskHub}" will do it`);
}

/** The starter for activities, which reach the task hub that they run in and no other. */
export function fromActivities<Id>(
  starter: SagaStarter<TaskHubs, Id>,
  otherTaskHub: string | undefined,
): SagaStarter<DurableClientPort, Id> {
  const other = otherTaskHub === undefined ? undefined : { name: otherTaskHub };
  return { start: (own, id) => starter.start({ own, other }, id) };
}

/** Its task hub. Throws for a client that does not say which it is. */
export function nameOf({ taskHubName }: DurableClientPort): string {
  if (taskHubName === undefined) throw new Error('expected a durable client that names its task hub, it has no name');
  return taskHubName;
}
