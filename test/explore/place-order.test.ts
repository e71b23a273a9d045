import { placeOrderExplorations } from './place-order';
import { testExplorations } from './test-explorations';

testExplorations('place-order', placeOrderExplorations);
