import { StepFailure } from 'durable-saga';
import { chartOf, toMermaid } from 'durable-saga/diagram';
import type { SagaPath } from 'durable-saga/diagram';
import { bigOrder } from './waiting';

const input = { sku: 'apple', card: '4242', amount: 600, boss: 'boss@example.com' };
const approved = { after: '1 hour', event: 'approval', payload: { approved: true, by: 'Ada' } } as const;
const declined = new StepFailure({ code: 'declined', message: 'no credit', effect: 'none' });

export const paths: readonly SagaPath<typeof input>[] = [
  { title: 'approved', input, events: [approved], ends: 'completed' },
  { title: 'nobody answers', input, ends: 'compensated' },
  { title: 'declined', input, events: [approved], answers: { charge: [declined] }, ends: 'compensated' },
];

export const picture = toMermaid(chartOf(bigOrder, paths, { notes: { tooLate: 'not in time' } }));
