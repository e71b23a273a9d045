import { runProcess } from '../stand-in/run-process';
import { readCount, readDataDir, readUrl } from '../stand-in/settings';
import { connectEventTopic } from './event-topic';
import { startPaymentProvider } from './payment-provider';

void runProcess('payment provider', async (environment) => {
  const topic = connectEventTopic(environment['ServiceBusConnection']);
  const provider = await startPaymentProvider({
    url: readUrl(environment, 'PAYMENT_PROVIDER_URL', 'http'),
    dataDir: readDataDir(environment),
    faults: {
      failBefore: readCount(environment, 'PAYMENT_FAIL_BEFORE'),
      failAfter: readCount(environment, 'PAYMENT_FAIL_AFTER'),
    },
    now: () => Date.now(),
    publish: topic.publish,
  });
  const close = async (): Promise<void> => {
    await provider.close();
    await topic.close();
  };
  return { addresses: [provider.url], close };
});
