import { testEveryFailure, testPaths } from '../../packages/durable-saga/test/support/failure-table';
import { placeOrder } from '../../orchestrations/place-order';
import { createPlaceOrderWorld, placeOrderOver } from '../support/place-order-business';
import { placeOrderPaths } from './place-order.paths';

const table = {
  saga: placeOrder,
  instanceId: 'o1',
  paths: placeOrderPaths,
  registration: placeOrderOver,
  createWorld: createPlaceOrderWorld,
  tolerated: ['remindApprover'],
};

describe('an order goes as its diagram says', () => testPaths(table));

describe('every failure of every step of an order', () => testEveryFailure(table));
