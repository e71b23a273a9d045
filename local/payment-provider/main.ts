import { runProcess } from '../stand-in/run-process';
import { readCount, readDataDir, readUrl } from '../stand-in/settings';
import { startPaymentProvider } from './payment-provider';

void runProcess('payment provider', async (environment) => {
  const provider = await startPaymentProvider({
    url: readUrl(environment, 'PAYMENT_PROVIDER_URL', 'http'),
    dataDir: readDataDir(environment),
    faults: {
      failBefore: readCount(environment, 'PAYMENT_FAIL_BEFORE'),
      failAfter: readCount(environment, 'PAYMENT_FAIL_AFTER'),
    },
    now: () => Date.now(),
  });
  return { addresses: [provider.url], close: async () => provider.close() };
});
