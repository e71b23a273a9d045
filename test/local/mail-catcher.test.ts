import { createTransport } from 'nodemailer';
import type { ReadableMessage } from '../../local/mail-catcher/message';
import { readJson, startStandIns, type StandIns } from '../support/start-stand-ins';

describe('the development mail catcher', () => {
  let standIns: StandIns;
  let url: string;

  beforeEach(async () => {
    standIns = await startStandIns({ now: () => Date.UTC(2025, 0, 15, 12) });
    url = standIns.settings.MAIL_CATCHER_URL;
  });
  afterEach(async () => standIns.close());

  const send = async (
    mail: { to?: string; subject?: string; text?: string; messageId?: string } & Record<string, unknown> = {},
    login = '',
  ): Promise<void> => {
    const transport = createTransport(standIns.settings.SMTP_URL.replace('//', `//${login}`));
    await transport.sendMail({
      from: 'shop@example.com',
      to: 'ann@example.com',
      subject: 'Hello',
      text: 'Hi',
      ...mail,
    });
    transport.close();
  };

  it('shows a mail as it was sent, decoded', async () => {
    await send({
      from: 'The shop <shop@example.com>',
      to: 'Ann <ann@example.com>',
      cc: 'bob@example.com',
      bcc: 'secret@example.com',
      subject: 'Ihre Bestellung: 2 Stühle ✓',
      text: 'Grüße,\nder Laden — ein sehr langer Satz, der in der Übertragung gewiss umgebrochen werden wird, ja.',
      messageId: '<one@example.com>',
      headers: { 'X-Order': 'o-1' },
    });
    const [mail] = await standIns.readMails();
    expect(mail).toEqual({
      id: 1,
      receivedAt: '2025-01-15T12:00:00.000Z',
      from: 'shop@example.com',
      to: ['ann@example.com', 'bob@example.com', 'secret@example.com'],
      subject: 'Ihre Bestellung: 2 Stühle ✓',
      messageId: '<one@example.com>',
      text: 'Grüße,\nder Laden — ein sehr langer Satz, der in der Übertragung gewiss umgebrochen werden wird, ja.',
      headers: expect.objectContaining({
        'x-order': 'o-1',
        cc: 'bob@example.com',
        from: 'The shop <shop@example.com>',
      }),
      isDuplicate: false,
    });
    const single = await readJson<ReadableMessage & { raw: string }>(`${url}/messages/1`);
    expect(single).toMatchObject({ ...mail });
    expect(single.raw).toContain('X-Order: o-1');
  });

  it('finds mails by recipient, whatever the case, and page by page', async () => {
    for (const n of [1, 2, 3]) await send({ to: 'Ann@Example.com', subject: `ann ${n}` });
    await send({ to: 'bob@example.com', subject: 'bob' });
    expect((await standIns.readMails('ann@example.COM')).map(({ subject }) => subject)).toEqual([
      'ann 1',
      'ann 2',
      'ann 3',
    ]);
    const page = await readJson<{ messages: ReadableMessage[]; next: number }>(`${url}/messages?limit=2&after=1`);
    expect(page.messages.map(({ id }) => id)).toEqual([2, 3]);
    expect(page.next).toBe(3);
    const last = await readJson<{ messages: ReadableMessage[] }>(`${url}/messages?after=${page.next}`);
    expect(last.messages.map(({ subject }) => subject)).toEqual(['bob']);
    expect(last).not.toHaveProperty('next');
  });

  it('keeps copies of a mail, marks them and counts them once by Message-ID', async () => {
    await send({ messageId: '<same@example.com>' });
    await send({ messageId: '<other@example.com>', to: 'bob@example.com' });
    await send({ messageId: '<same@example.com>' });
    expect(await standIns.readMailSummary()).toEqual({ messages: 3, distinctMessageIds: 2 });
    expect((await standIns.readMails()).map(({ isDuplicate }) => isDuplicate)).toEqual([false, false, true]);
    expect(await readJson(`${url}/messages/summary?to=bob@example.com`)).toEqual({
      messages: 1,
      distinctMessageIds: 1,
    });
    expect(await readJson(`${url}/messages/summary?messageId=${encodeURIComponent('<same@example.com>')}`)).toEqual({
      messages: 2,
      distinctMessageIds: 1,
    });
  });

  it('takes mail with any name and password', async () => {
    await send({ subject: 'with a login' }, 'someone:se%3Acret@');
    expect(await standIns.readMails()).toMatchObject([{ subject: 'with a login' }]);
  });

  it('keeps a mail with an attachment in HTML and text', async () => {
    await send({ html: '<p>Hi</p>', attachments: [{ filename: 'a.bin', content: Buffer.from([0, 255, 10, 13]) }] });
    expect(await standIns.readMails()).toMatchObject([{ text: 'Hi', html: expect.stringContaining('<p>Hi</p>') }]);
  });

  it('refuses a mail over ten megabytes and goes on', async () => {
    await expect(send({ text: 'a'.repeat(11 * 2 ** 20) })).rejects.toMatchObject({ responseCode: 552 });
    await send({ subject: 'small' });
    expect(await standIns.readMails()).toMatchObject([{ subject: 'small' }]);
  });

  it('fails before or after it kept a mail as it is told to', async () => {
    await standIns.setFaults('mails', { failBefore: 1 });
    await expect(send()).rejects.toMatchObject({ responseCode: 451 });
    expect(await standIns.readMailSummary()).toMatchObject({ messages: 0 });
    await standIns.setFaults('mails', { failBefore: 0, failAfter: 1 });
    await expect(send()).rejects.toMatchObject({ responseCode: 451 });
    expect(await standIns.readMailSummary()).toMatchObject({ messages: 1 });
  });

  it('is empty after it was emptied', async () => {
    await send();
    expect((await fetch(`${url}/messages`, { method: 'DELETE' })).status).toBe(204);
    expect(await standIns.readMailSummary()).toEqual({ messages: 0, distinctMessageIds: 0 });
    await send({ subject: 'anew' });
    expect(await standIns.readMails()).toMatchObject([{ id: 1, subject: 'anew', isDuplicate: false }]);
  });

  it('answers 404 to what is not here and 400 to a page that is none', async () => {
    for (const path of ['/messages/1', '/messages/x', '/', '/mail']) {
      expect((await fetch(`${url}${path}`)).status).toBe(404);
    }
    const answer = await fetch(`${url}/messages?limit=many`);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ detail: 'limit: expected a number from 1 to 1000, got many' });
  });
});
