import { runProcess } from '../stand-in/run-process';
import { readCount, readDataDir, readUrl } from '../stand-in/settings';
import { startCarrier } from './carrier';

void runProcess('carrier', async (environment) => {
  const carrier = await startCarrier({
    url: readUrl(environment, 'CARRIER_URL', 'http'),
    dataDir: readDataDir(environment),
    faults: {
      failBefore: readCount(environment, 'CARRIER_FAIL_BEFORE'),
      failAfter: readCount(environment, 'CARRIER_FAIL_AFTER'),
    },
    now: () => Date.now(),
  });
  return { addresses: [carrier.url], close: async () => carrier.close() };
});
