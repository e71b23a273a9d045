import type { SagaPath } from 'durable-saga/diagram';
import { defineExploration } from 'durable-saga/testing';
import type { Books, Run } from 'durable-saga/testing';
import { returnOrder } from '../../orchestrations/return-order';
import type { ReturnOrderInput } from '../../orchestrations/return-order';
import { returnOrderPaths } from '../orchestrations/return-order.paths';
import { returnOrderActivities } from '../../src/sagas';
import { createReturnOrderWorld } from '../support/return-order-business';
import type { ReturnPorts } from '../support/return-order-business';
import { cup, sampleReturn, tea } from '../support/sample-orders';
import { agrees, agreesBut } from './agrees';
import { endsForAReason } from './reasons';

const roles = { needed: ['claimItems', 'bookPickUp', 'awaitPickUp'], pivot: 'acceptReturn' };

/** Of the order, three teas and two cups for 6,350, nothing has come back. */
const untouched: Books = {
  tea: tea.stock,
  cup: cup.stock,
  teaLeft: 3,
  cupLeft: 2,
  owed: 0,
  refunded: 0,
  refundedRow: 0,
  pickUps: 0,
  pickUpRow: 0,
};

/** Two teas and a cup have come back, for what they cost. */
const done: Books = {
  tea: tea.stock + 2,
  cup: cup.stock + 1,
  teaLeft: 1,
  cupLeft: 1,
  owed: 4_100,
  refunded: 4_100,
  refundedRow: 4_100,
  pickUps: 1,
  pickUpRow: 1,
};

/** Which books a step is in that an operator gave up: after the pivot, and on the way back. */
const refunds = ['refunded', 'refundedRow'];
const partsOfSteps = {
  'refundItem#tea': [...refunds, 'tea'],
  'refundItem#cup': [...refunds, 'cup'],
  'restockItem#tea': ['tea'],
  'restockItem#cup': ['cup'],
};
const partsOfUndos = { 'claimItems#1': ['teaLeft', 'cupLeft'], 'bookPickUp#1': ['pickUps', 'pickUpRow'] };

const REMINDER = 'has not been collected yet';
const ARRIVAL = 'has arrived';

/** What must be true of a return, whatever happens to it. */
function invariantsOf(path: SagaPath<ReturnOrderInput>, before: Books) {
  const { email } = path.input;
  const mails = ({ mailer }: ReturnPorts, about: string): number =>
    new Set(mailer.sent.filter(({ subject }) => subject.includes(about)).map(({ messageId }) => messageId)).size;

  return {
    'a return ends as what happened to it says': (run: Run) => endsForAReason(path, roles, run),
    'what came back is in stock and paid for': ({ outcome, books }: Run) =>
      outcome !== 'completed' || agrees(books, done),
    'a return that is undone leaves nothing': ({ outcome, books }: Run) =>
      outcome !== 'compensated' || agrees(books, before),
    'what an operator did not give up is undone, or done': ({ outcome, books, parked }: Run) => {
      if (outcome !== 'compensationFailed') return true;
      const givenUp = parked.filter(({ decision }) => decision === 'fail').map(({ step }) => step);
      return books?.['owed'] === 0
        ? agreesBut(books, before, partsOfUndos, givenUp)
        : agreesBut(books, done, partsOfSteps, givenUp);
    },
    'no more is paid back than what is owed, and than was paid': async ({ books }: Run, { payments }: ReturnPorts) => {
      const [intent] = payments.intents.values();
      const { refunded = 0, owed = 0 } = books ?? {};
      return refunded <= owed && refunded <= (intent?.captured ?? 0);
    },
    'the customer is told once that it has arrived, and only then': ({ outcome, parked }: Run, ports: ReturnPorts) => {
      const told = mails(ports, ARRIVAL);
      if (outcome === 'completed') return told === (email === undefined ? 0 : 1);
      return told === 0 || (told === 1 && parked.some(({ step }) => step === 'confirmReturn#1'));
    },
    'the customer is reminded at most once': (_run: Run, ports: ReturnPorts) => mails(ports, REMINDER) <= 1,
  };
}

/** Another return that has taken all of the tea. */
async function claimElsewhere({ returns, returnedItems }: ReturnPorts): Promise<void> {
  const other = sampleReturn('o1.r0', [[tea, 2]]);
  await returns.accept(other);
  await returnedItems.claim('o1.r0/claimItems#1', other.id);
}

/** The ways through a return, each with all that may go wrong on it. */
export const returnOrderExplorations = returnOrderPaths.map((path) => {
  const isClaimed = path.title === 'claimed by another return';
  const before: Books = isClaimed ? { ...untouched, teaLeft: 1 } : untouched;
  return {
    title: path.title,
    ...defineExploration(returnOrder, {
      input: path.input,
      ...(path.events === undefined ? {} : { events: path.events }),
      instanceId: path.input.returnId,
      world: async () => {
        const world = await createReturnOrderWorld(path);
        if (isClaimed) await claimElsewhere(world.ports);
        return world;
      },
      activities: returnOrderActivities,
      invariants: invariantsOf(path, before),
      budget: { pairs: 50 },
      tolerated: ['remindCustomer'],
    }),
  };
});
