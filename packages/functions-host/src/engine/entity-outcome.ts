/** What an orchestrator's turn asks of entities: the events of it, and the mail that goes out with the turn's commit. */
import { findEntityIdFault } from './entity-id';
import { toLockMail, toLockRequestId, toReleaseMail, type Caller, type EntityMail } from './entity-messages';
import type { OpenedTask, Orchestrators } from './execution';
import type { OpenedEvent } from './history';
import { applyEvent, type Instance } from './instance';
import { taskTrace } from './instance-trace';
import type { Turn } from './turn-outcome';

export type EntityTask = Extract<OpenedTask, { kind: 'entityCall' | 'entitySignal' | 'lock' | 'release' }>;

export function isForEntities(task: OpenedTask): task is EntityTask {
  return task.kind === 'entityCall' || task.kind === 'entitySignal' || task.kind === 'lock' || task.kind === 'release';
}

/** Records what the code asked of entities. Throws when there is no such entity. */
export function openForEntities(instance: Instance, orchestrators: Orchestrators, turn: Turn, task: EntityTask): void {
  const caller = callerOf(instance, task.id);
  const open = (event: OpenedEvent): void => {
    turn.events.push(event);
    applyEvent(instance, event);
  };
  switch (task.kind) {
    case 'entityCall':
    case 'entitySignal': {
      const { id, entityId, operation } = task;
      requireEntity(orchestrators, entityId);
      const input = task.input !== undefined && { input: task.input };
      open({
        kind: task.kind === 'entityCall' ? 'entityCalled' : 'entitySignalled',
        id,
        entityId,
        operation,
        ...input,
      });
      const answerTo = task.kind === 'entityCall' && { caller };
      const trace = taskTrace(instance, id);
      const traced = trace !== undefined && { trace };
      turn.mail.push({
        to: entityId,
        message: { kind: 'operation', name: operation, ...input, ...answerTo, ...traced },
      });
      return;
    }
    case 'lock': {
      const entityIds = [...task.entityIds].sort();
      for (const entityId of entityIds) requireEntity(orchestrators, entityId);
      open({ kind: 'entitiesLocked', id: task.id, entityIds });
      turn.mail.push(...toLockMail(entityIds, caller));
      return;
    }
    case 'release': {
      const last = [...instance.locks].at(-1);
      if (last === undefined) throw new Error(`Task ${task.id} gives a lock back, but there is none.`);
      const [lockId, entityIds] = last;
      turn.mail.push(...toRelease(instance, lockId, entityIds));
      open({ kind: 'entitiesReleased', id: task.id, lockId, count: entityIds.length });
    }
  }
}

function requireEntity(orchestrators: Orchestrators, entityId: string): void {
  const fault = findEntityIdFault(entityId) ?? orchestrators.refuseEntity(entityId);
  if (fault !== undefined) throw new Error(fault);
}

function callerOf({ id: instanceId, executionId, rewoundIn }: Instance, taskId: number): Caller {
  return { instanceId, executionId, taskId, ...(rewoundIn !== undefined && { rewoundIn }) };
}

function toRelease(instance: Instance, lockId: number, entityIds: readonly string[]): EntityMail[] {
  return toReleaseMail(entityIds, toLockRequestId(callerOf(instance, lockId)), !instance.open.has(lockId));
}

/** Asks once more for all that an execution had locked or asked for when it failed. */
export function toLocksOf(instance: Instance): EntityMail[] {
  return [...instance.locks].flatMap(([lockId, entityIds]) => toLockMail(entityIds, callerOf(instance, lockId)));
}

/** Gives back all that an execution has locked, or still asks for, when it ends. */
export function toReleasesOf(instance: Instance): EntityMail[] {
  return [...instance.locks].flatMap(([lockId, entityIds]) => toRelease(instance, lockId, entityIds));
}
