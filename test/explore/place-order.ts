import type { SagaPath } from 'durable-saga/diagram';
import { defineExploration, FAULT_KINDS } from 'durable-saga/testing';
import type { Books, Run } from 'durable-saga/testing';
import { placeOrder } from '../../orchestrations/place-order';
import type { PlaceOrderInput } from '../../orchestrations/place-order';
import { placeOrderPaths } from '../orchestrations/place-order.paths';
import { placeOrderActivities } from '../../src/sagas';
import { createPlaceOrderWorld } from '../support/place-order-business';
import type { PlaceOrderPorts } from '../support/place-order-business';
import { cup, tea } from '../support/sample-orders';
import { agrees, agreesBut } from './agrees';
import { endsForAReason } from './reasons';

const roles = {
  needed: ['reserveStock', 'requestApproval', 'recordApproval', 'authorisePayment'],
  pivot: 'capturePayment',
};

/** What there is when an order is as if it had never been. */
const untouched: Books = {
  tea: tea.stock,
  cup: cup.stock,
  held: 0,
  captured: 0,
  heldRow: 0,
  capturedRow: 0,
  parcels: 0,
  shipmentRow: 0,
  mailsToBuyer: 0,
};

/** Which books a step is in that an operator gave up: after the pivot, and on the way back. */
const partsOfSteps = {
  'bookShipment#1': ['parcels', 'shipmentRow', 'mailsToBuyer'],
  'confirmOrder#1': ['mailsToBuyer'],
};
const partsOfUndos = {
  'reserveStock#tea': ['tea'],
  'reserveStock#cup': ['cup'],
  'authorisePayment#1': ['held', 'heldRow'],
};

/** What must be true of an order, whatever happens to it. */
function invariantsOf(path: SagaPath<PlaceOrderInput>) {
  const { lines, total, email } = path.input;
  const ordered = (name: string): number => lines.find(({ sku }) => sku === name)?.quantity ?? 0;
  const done: Books = {
    tea: tea.stock - ordered('tea'),
    cup: cup.stock - ordered('cup'),
    held: 0,
    captured: total,
    heldRow: 0,
    capturedRow: total,
    parcels: 1,
    shipmentRow: 1,
    mailsToBuyer: email === undefined ? 0 : 1,
  };

  return {
    'an order ends as what happened to it says': (run: Run) => endsForAReason(path, roles, run),
    'an order that is done is paid, shipped and confirmed': ({ outcome, books }: Run) =>
      outcome !== 'completed' || agrees(books, done),
    'an order that is undone leaves nothing': ({ outcome, books }: Run) =>
      outcome !== 'compensated' || agrees(books, untouched),
    'what an operator did not give up is undone, or done': ({ outcome, books, parked }: Run) => {
      if (outcome !== 'compensationFailed') return true;
      const givenUp = parked.filter(({ decision }) => decision === 'fail').map(({ step }) => step);
      return books?.['captured'] === 0
        ? agreesBut(books, untouched, partsOfUndos, givenUp)
        : agreesBut(books, done, partsOfSteps, givenUp);
    },
    'the customer pays once or not at all': async (_run: Run, { payments }: PlaceOrderPorts) => {
      const captured = [...payments.intents.values()].map((intent) => intent.captured).filter((amount) => amount > 0);
      return captured.length === 0 || (captured.length === 1 && captured[0] === total);
    },
    'stock is never below nothing': ({ books }: Run) => (books?.['tea'] ?? 0) >= 0 && (books?.['cup'] ?? 0) >= 0,
    'there is at most one parcel, for one who has paid': ({ books }: Run) =>
      books?.['parcels'] === 0 || (books?.['parcels'] === 1 && books['captured'] === total),
    'nobody gets two different mails of one kind': async (_run: Run, { mailer }: PlaceOrderPorts) => {
      const mails = new Set(mailer.sent.map(({ messageId, subject }) => `${messageId} ${subject}`));
      return mails.size === new Set(mailer.sent.map(({ subject }) => subject)).size;
    },
  };
}

/**
 * What the bank refuses can't be done by hand. And a late attempt to authorise that finds itself undone lets go of what it
 * holds, before the operator's retry of the undo does: the explorer takes that for an effect had twice.
 */
const refusedPivot = {
  operator: ['retry', 'fail'] as const,
  faults: FAULT_KINDS.filter((kind) => kind !== 'late'),
};

/** The ways through an order, each with all that may go wrong on it. */
export const placeOrderExplorations = placeOrderPaths.map((path) => ({
  title: path.title,
  ...defineExploration(placeOrder, {
    input: path.input,
    ...(path.events === undefined ? {} : { events: path.events }),
    instanceId: path.input.orderId,
    world: () => createPlaceOrderWorld(path),
    activities: placeOrderActivities,
    invariants: invariantsOf(path),
    ...(path.title === 'not paid out by the bank' ? refusedPivot : {}),
    budget: { pairs: 50 },
    tolerated: ['remindApprover'],
  }),
}));
