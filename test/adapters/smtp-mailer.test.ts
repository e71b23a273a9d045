import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { createSmtpMailer, toMessageId } from '../../src/adapters/smtp-mailer';
import { freePorts, until } from '../support/running-app';
import { startStandIns, type StandIns } from '../support/start-stand-ins';

const mail = { to: 'ann@example.com', subject: 'Hello', text: 'Hi' };
const from = 'orders@example.com';

describe('the SMTP mailer', () => {
  /** What a test opened, closed after it in reverse, however it ended. */
  const closers: (() => unknown)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });
  const openStandIns = async (): Promise<StandIns> => {
    const standIns = await startStandIns();
    closers.push(async () => standIns.close());
    return standIns;
  };
  const openMailer = (url: string, timeoutMs = 10_000): ReturnType<typeof createSmtpMailer> => {
    const mailer = createSmtpMailer({ url, from, timeoutMs });
    closers.push(() => mailer.close());
    return mailer;
  };
  /** A mail server of its own; resolves with its port. */
  const openServer = async (options: SMTPServerOptions, port = 0): Promise<number> => {
    const server = new SMTPServer({ disabledCommands: ['STARTTLS'], closeTimeout: 50, ...options });
    closers.push(async () => new Promise<void>((closed) => server.close(closed)));
    const listener = server.listen(port, '127.0.0.1');
    await once(listener, 'listening');
    return (listener.address() as AddressInfo).port;
  };
  it('sends many mails over few connections', async () => {
    const standIns = await openStandIns();
    const mailer = openMailer(standIns.settings.SMTP_URL);
    await Promise.all(Array.from({ length: 250 }, async (_, n) => mailer.send(`k${n}`, mail)));
    expect(await standIns.readMailSummary()).toEqual({ messages: 250, distinctMessageIds: 250 });
  });

  it('says that nothing listens there', async () => {
    const [port] = await freePorts(1);
    await expect(openMailer(`smtp://127.0.0.1:${port}`).send('k', mail)).rejects.toMatchObject({
      name: 'OutsideError',
      code: 'mailUnreachable',
      message: expect.stringContaining(`127.0.0.1:${port}`),
    });
  });

  it('sends again when the server is back', async () => {
    const first = await startStandIns();
    const mailer = openMailer(first.settings.SMTP_URL);
    await mailer.send('a', mail);
    await first.close();
    await expect(mailer.send('b', mail)).rejects.toMatchObject({ code: 'mailUnreachable' });
    const taken: string[] = [];
    await openServer(
      {
        authOptional: true,
        onData(stream, _session, callback) {
          stream.resume().once('end', () => {
            taken.push('b');
            callback();
          });
        },
      },
      Number(new URL(first.settings.SMTP_URL).port),
    );
    await mailer.send('b', mail);
    expect(taken).toEqual(['b']);
  });

  it('never sends a mail that was given up while it waited for a connection', async () => {
    const arrived: string[] = [];
    const held: (() => void)[] = [];
    let isHolding = true;
    const port = await openServer({
      authOptional: true,
      onData(stream, _session, callback) {
        let text = '';
        stream.on('data', (part: Buffer) => (text += part.toString()));
        stream.once('end', () => {
          arrived.push(/^Subject: (.*)$/m.exec(text)?.[1]?.trim() ?? '');
          if (isHolding) held.push(callback);
          else callback();
        });
      },
    });
    const mailer = createSmtpMailer({ url: `smtp://127.0.0.1:${port}`, from, deadlineMs: 2_000 });
    closers.push(() => mailer.close());
    const send = (subject: string): Promise<void> => mailer.send(subject, { ...mail, subject });
    const results = await Promise.allSettled(['1', '2', '3', '4', '5', 'waited'].map(send));
    expect(results.map(({ status }) => status)).toEqual(Array(6).fill('rejected'));
    await until('the server has all that have a connection', 20_000, () => (arrived.length < 5 ? undefined : true));
    expect(arrived.toSorted()).toEqual(['1', '2', '3', '4', '5']);
    isHolding = false;
    for (const take of held) take();
    await send('next');
    expect(arrived.slice(5)).toEqual(['next']);
  });

  it('logs in with the name and password of its address', async () => {
    const logins: unknown[] = [];
    const port = await openServer({
      allowInsecureAuth: true,
      onAuth({ username, password }, _session, callback) {
        logins.push([username, password]);
        if (password === 's:e/cret') callback(null, { user: 'shop' });
        else callback(new Error('no'));
      },
      onData(stream, _session, callback) {
        stream.resume().once('end', () => callback());
      },
    });
    await openMailer(`smtp://shop%40example.com:s%3Ae%2Fcret@127.0.0.1:${port}`).send('k', mail);
    expect(logins).toEqual([['shop@example.com', 's:e/cret']]);
    await expect(openMailer(`smtp://shop:wrong@127.0.0.1:${port}`).send('k', mail)).rejects.toMatchObject({
      code: 'mailRejected',
    });
  });

  describe('with a server that misbehaves', () => {
    let server: Server;
    const sockets = new Set<Socket>();
    let converse: (socket: Socket) => void;

    beforeEach(async () => {
      server = createServer((socket) => {
        sockets.add(socket);
        socket.on('error', () => undefined);
        converse(socket);
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
    });
    afterEach(async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
    });

    const url = (): string => `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`;

    it('sends a mail once whose connection broke before the answer', async () => {
      let mails = 0;
      converse = (socket) => {
        socket.write('220 hello\r\n');
        socket.setEncoding('utf8').on('data', (said: string) => {
          if (said.endsWith('\r\n.\r\n')) {
            mails += 1;
            socket.destroy();
          } else socket.write(said.startsWith('DATA') ? '354 go on\r\n' : '250 fine\r\n');
        });
      };
      await expect(openMailer(url(), 2000).send('k', mail)).rejects.toMatchObject({ code: 'mailUnreachable' });
      expect(mails).toBe(1);
    });

    it('leaves it to the step to try again when the server hangs up at once', async () => {
      let calls = 0;
      converse = (socket) => {
        calls += 1;
        socket.end();
      };
      await expect(openMailer(url(), 2000).send('k', mail)).rejects.toMatchObject({ code: 'mailUnreachable' });
      expect(calls).toBe(1);
    });

    it('gives a mail up at its deadline, though each answer comes in time', async () => {
      converse = (socket) => {
        socket.write('220-hello\r\n');
        const going = setInterval(() => socket.write('220-still here\r\n'), 20);
        socket.once('close', () => clearInterval(going));
      };
      const mailer = createSmtpMailer({ url: url(), from, timeoutMs: 60_000, deadlineMs: 200 });
      closers.push(() => mailer.close());
      await expect(mailer.send('k', mail)).rejects.toMatchObject({
        code: 'mailTimeout',
        message: 'the mail to ann@example.com was not taken: it was not sent within 200 ms',
      });
    });

    it.each([
      ['says nothing', undefined, 'mailTimeout'],
      ['has no time', '421 come back later\r\n', 'mailFailed'],
      ['wants no mail from us', '554 go away\r\n', 'mailRejected'],
    ])('throws when it %s', async (_what, says, code) => {
      converse = (socket) => {
        if (says !== undefined) socket.end(says);
      };
      await expect(openMailer(url(), 150).send('k', mail)).rejects.toMatchObject({ name: 'OutsideError', code });
    });
  });

  it.each([
    ['orders@example.com', 'example.com'],
    ['The shop <orders@shop.example>', 'shop.example'],
    ['nobody', 'localhost'],
  ])('makes Message-IDs of the domain of %s', (sender, domain) => {
    expect(toMessageId('k', sender)).toMatch(new RegExp(`^<[0-9a-f]{32}@${domain}>$`));
  });
});
