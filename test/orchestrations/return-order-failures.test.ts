import { testEveryFailure } from '../../packages/durable-saga/test/support/failure-table';
import { returnOrder } from '../../orchestrations/return-order';
import { createReturnOrderWorld, returnOrderOver } from '../support/return-order-business';
import { returnOrderPaths } from './return-order.paths';

describe('every failure of every step of a return', () => {
  testEveryFailure({
    saga: returnOrder,
    instanceId: 'o1.r1',
    paths: returnOrderPaths,
    registration: returnOrderOver,
    createWorld: createReturnOrderWorld,
    tolerated: ['remindCustomer'],
  });
});
