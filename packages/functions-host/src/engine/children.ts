import { randomUUID } from 'node:crypto';
import { isFinished, type InstanceRow, type InstanceStatus, type ParentLink, type TaskHubStore } from '../store/store';
import type { Failure } from './history';
import type { Instance, OpenWork } from './instance';
import { taskTrace } from './instance-trace';
import { findIdFault, findTextFault } from './instance-id';
import type { LeftAloneInstances } from './left-alone';
import type { LiveInstances } from './live-instances';
import type { Message } from './messages';
import type { Turn } from './turn-outcome';

/** What is said of an instance that is to be made. */
export type NewInstance = Pick<InstanceRow, 'id' | 'name' | 'version' | 'input' | 'executionId' | 'parent' | 'trace'>;

/** Makes the failure that a parent gets from its sub-orchestration. `output` is the child's output (JSON). */
export type DescribeChildFailure = (name: string, status: InstanceStatus, output: string | undefined) => Failure;

type ChildWork = Extract<OpenWork, { kind: 'child' }>;

export interface ChildrenOptions {
  readonly live: LiveInstances;
  readonly leftAlone: LeftAloneInstances;
  readonly store: TaskHubStore;
  readonly create: (about: NewInstance) => Instance;
  readonly deliver: (instance: Instance, message: Message) => void;
  readonly describeFailure: DescribeChildFailure;
}

/**
 * Sub-orchestrations: starts them, gives their results to their parents, and ends them with a parent that is terminated.
 * Nothing of this needs a message in the store: what a parent waits for and what became of it can both be read there.
 */
export class Children {
  readonly #options: ChildrenOptions;

  constructor(options: ChildrenOptions) {
    this.#options = options;
  }

  start(parent: Instance, work: ChildWork): void {
    const { live, leftAlone, create, deliver } = this.#options;
    const link = linkTo(parent, work);
    const present = live.get(work.instanceId) ?? leftAlone.get(work.instanceId);
    const fault = findIdFault(work.instanceId) ?? findTextFault('a version', work.version ?? '');
    if (fault !== undefined) {
      this.#fail(parent, work, fault);
    } else if (present === undefined) {
      const { name, version, input, instanceId: id } = work;
      const trace = taskTrace(parent, work.id);
      const child = create({ id, name, version, input, executionId: randomUUID(), parent: link, trace });
      deliver(child, { kind: 'begin' });
    } else if (!isSameLink(present.parent, link)) {
      this.#fail(parent, work, `An Orchestration instance with the status ${present.status} already exists.`);
    }
  }

  /** After a restart: the child may be running, may have finished, or may never have been stored. */
  async resume(parent: Instance, work: ChildWork): Promise<void> {
    const { live, store } = this.#options;
    const link = linkTo(parent, work);
    const row = live.get(work.instanceId) === undefined ? await store.readInstance(work.instanceId) : undefined;
    if (row !== undefined && isFinished(row.status) && isSameLink(row.parent, link)) {
      this.answerParent(link, row.name, row.status, row.output);
    } else {
      this.start(parent, work);
    }
  }

  /** After a restart: a child whose parent was terminated may not have been told. */
  async endWithParent(child: Instance): Promise<void> {
    const { live, store, deliver } = this.#options;
    const { parent } = child;
    if (parent === undefined || live.get(parent.instanceId) !== undefined) return;
    const row = await store.readInstance(parent.instanceId);
    if (row?.status !== 'Terminated' || row.executionId !== parent.executionId) return;
    deliver(child, { kind: 'terminate', reason: toReason(row.output) });
  }

  /** Gives the result of a finished instance to the parent that waits for it, if one does. */
  answerParent(link: ParentLink | undefined, name: string, status: InstanceStatus, output: string | undefined): void {
    const { live, deliver, describeFailure } = this.#options;
    const parent = link === undefined ? undefined : live.get(link.instanceId);
    const work = link === undefined ? undefined : parent?.open.get(link.taskId);
    if (link === undefined || parent === undefined || work?.kind !== 'child') return;
    if (!isSameLink(link, linkTo(parent, work))) return;
    const answer = { executionId: link.executionId, id: link.taskId };
    deliver(
      parent,
      status === 'Completed'
        ? { ...answer, kind: 'childCompleted', result: output ?? 'null' }
        : { ...answer, kind: 'childFailed', failure: describeFailure(name, status, output) },
    );
  }

  /** Ends the children that a terminated instance leaves behind, for the same reason. */
  terminate(parent: Instance, turn: Turn): void {
    const { live, deliver } = this.#options;
    const reason = toReason(turn.output);
    for (const work of turn.abandoned) {
      if (work.kind !== 'child') continue;
      const child = live.get(work.instanceId);
      if (child?.parent?.instanceId === parent.id) deliver(child, { kind: 'terminate', reason });
    }
  }

  /** Ends the children of a terminated instance whose history can't tell which they are. */
  terminateAllOf(parent: { readonly id: string; readonly executionId: string }, reason: string): void {
    const { live, deliver } = this.#options;
    for (const child of live.all()) {
      const isChild = child.parent?.instanceId === parent.id && child.parent.executionId === parent.executionId;
      if (isChild) deliver(child, { kind: 'terminate', reason });
    }
  }

  #fail(parent: Instance, { id }: ChildWork, reason: string): void {
    const { executionId } = parent;
    this.#options.deliver(parent, { kind: 'childFailed', executionId, id, failure: { reason, details: '' } });
  }
}

/** Of a terminated instance's output (JSON). */
function toReason(output: string | null | undefined): string {
  return typeof output === 'string' ? (JSON.parse(output) as string) : '';
}

/** Ties a sub-orchestration to the task of its parent that it answers. */
export function linkTo(parent: Instance, work: ChildWork): ParentLink {
  const { id: taskId, rewoundIn } = work;
  const { id: instanceId, executionId } = parent;
  return { instanceId, executionId, taskId, ...(rewoundIn !== undefined && { rewoundIn }) };
}

export function isSameLink(a: ParentLink | undefined, b: ParentLink): boolean {
  const isSameTask = a?.instanceId === b.instanceId && a.executionId === b.executionId && a.taskId === b.taskId;
  return isSameTask && a.rewoundIn === b.rewoundIn;
}
