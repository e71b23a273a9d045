import { runProcess } from '../stand-in/run-process';
import { readCount, readDataDir, readUrl } from '../stand-in/settings';
import { startMailCatcher } from './mail-catcher';

void runProcess('mail catcher', async (environment) => {
  const catcher = await startMailCatcher({
    smtpUrl: readUrl(environment, 'SMTP_URL', 'smtp'),
    httpUrl: readUrl(environment, 'MAIL_CATCHER_URL', 'http'),
    dataDir: readDataDir(environment),
    faults: {
      failBefore: readCount(environment, 'MAIL_FAIL_BEFORE'),
      failAfter: readCount(environment, 'MAIL_FAIL_AFTER'),
    },
    now: () => Date.now(),
  });
  return { addresses: [catcher.smtpUrl, catcher.httpUrl], close: async () => catcher.close() };
});
