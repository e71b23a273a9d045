import { returnOrderExplorations } from './return-order';
import { testExplorations } from './test-explorations';

testExplorations('return-order', returnOrderExplorations);
