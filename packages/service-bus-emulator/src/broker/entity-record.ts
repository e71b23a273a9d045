import type { EntityRecord } from './journal';
import { Queue } from './queue';
import { Subscription } from './subscription';
import type { Topic } from './topic';

/** An entity as the journal is told of it. */
export function entityRecord(entity: Queue | Topic | Subscription): EntityRecord {
  const { path, createdAt, updatedAt } = entity;
  const record = { type: 'entity', path, createdAt, updatedAt } as const;
  if (entity instanceof Queue) return { ...record, kind: 'queue', options: entity.options };
  if (entity instanceof Subscription) {
    return { ...record, kind: 'subscription', options: entity.options, rules: entity.rules };
  }
  return { ...record, kind: 'topic', options: entity.options };
}
