import { describe, expect, it, onTestFinished } from 'vitest';
import { type Answer, call } from '../fixtures/api-client.js';
import { freePorts } from '../fixtures/free-ports.js';
import { startTestParley } from '../fixtures/parley.js';
import { MailServer, type ReceivedMail } from '../mail/mail-server.js';
import { parts } from '../mail/mime.js';

const patient = { timeout: 10_000, interval: 5 };
const ann = { email: 'ann@example.org', name: 'Ann', password: 'correct horse' };
const credentials = { email: ann.email, password: ann.password };

/** A whole Parley that hands its mails to a server of this machine. */
async function open(settings: Readonly<Record<string, unknown>> = {}) {
  const server = await MailServer.start({ disabledCommands: ['STARTTLS', 'AUTH'] });
  const parley = await startTestParley({
    MAIL_SERVER: '127.0.0.1',
    MAIL_PORT: server.port,
    MAIL_USE_TLS: false,
    MAIL_FROM: 'Talk <talk@talk.example>',
    FRONTEND_URL: 'https://talk.example',
    ...settings,
  });
  onTestFinished(() => parley.close());
  return {
    health: (path = '') => call(parley.url, 'GET', `/health${path}`),
    post: (path: string, body: unknown, token?: string): Promise<Answer> =>
      call(parley.url, 'POST', `auth/${path}`, { body, token }),
    async mail(number: number): Promise<ReceivedMail> {
      await expect.poll(() => server.mails.length, patient).toBeGreaterThanOrEqual(number);
      return server.mails[number - 1] as ReceivedMail;
    },
  };
}

/** The token in a mail's link to a page of the front end. */
function tokenIn({ message }: ReceivedMail, page: string): string {
  const [text = ''] = parts(message);
  const start = `https://talk.example/${page}?token=`;
  expect(text).toContain(start);
  return text
    .slice(text.indexOf(start) + start.length)
    .split('\n', 1)[0]
    ?.trim() as string;
}

it('without its mail server Parley is ready, and says what is wrong', async () => {
  const [port] = (await freePorts(1)) as [number];
  const { post, health } = await open({ MAIL_PORT: port });
  expect((await health()).body).toEqual({ status: 'ok', faults: {} });
  expect((await post('register', ann)).status).toBe(201);
  const faults = { reactors: 'mail waits, because of CONN ECONNREFUSED' };
  await expect.poll(async () => (await health()).body, patient).toEqual({ status: 'degraded', faults });
  expect((await health('/ready')).status).toBe(200);
});

describe('a mailed link', () => {
  it('shows that an address is its owner’s, who can then log in', async () => {
    const { post, mail } = await open({ PARLEY_EMAIL_VERIFICATION: 'required' });
    expect(await post('register', ann)).toMatchObject({ status: 202, body: { verification: 'required' } });
    expect((await post('login', credentials)).body).toMatchObject({ code: 'email-not-verified' });
    const token = tokenIn(await mail(1), 'verify-email');
    expect((await post('verify-email', { token })).status).toBe(204);
    expect((await post('login', credentials)).status).toBe(200);
    expect((await post('verify-email', { token })).body).toMatchObject({ code: 'token-not-valid' });
  });

  it('is not sent to whoever tries an address that is taken; its owner hears of it', async () => {
    const { post, mail } = await open({ PARLEY_EMAIL_VERIFICATION: 'required' });
    const first = await post('register', ann);
    await mail(1);
    const second = await post('register', { ...ann, name: 'Eve', password: 'another horse' });
    expect({ status: second.status, body: second.body }).toEqual({ status: first.status, body: first.body });
    const told = await mail(2);
    expect(told.to).toEqual([ann.email]);
    expect(told.header('subject')).toBe('You have an account already');
  });

  it('lets its owner choose a password, once', async () => {
    const { post, mail } = await open();
    await post('register', ann);
    const registered = await mail(1);
    expect(registered.header('subject')).toBe('Confirm your e-mail address');
    expect((await post('forgot-password', { email: ann.email })).status).toBe(202);
    const token = tokenIn(await mail(2), 'reset-password');
    expect((await post('reset-password', { token, password: 'battery staple' })).status).toBe(204);
    expect((await post('login', { email: ann.email, password: 'battery staple' })).status).toBe(200);
    expect((await post('reset-password', { token, password: 'third password' })).body.code).toBe('token-not-valid');
    expect((await mail(3)).header('subject')).toBe('Your password was changed');
  });

  it('confirms a new address, and the former one is told', async () => {
    const { post, mail } = await open({ PARLEY_EMAIL_VERIFICATION: 'required' });
    await post('register', ann);
    await post('verify-email', { token: tokenIn(await mail(1), 'verify-email') });
    const { accessToken } = (await post('login', credentials)).body;
    const change = { email: 'anna@example.net', password: ann.password };
    expect((await post('change-email', change, accessToken)).status).toBe(202);
    const asked = await mail(2);
    expect(asked.to).toEqual(['anna@example.net']);
    expect((await post('verify-email', { token: tokenIn(asked, 'verify-email') })).status).toBe(204);
    const told = await mail(3);
    expect(told.to).toEqual([ann.email]);
    expect((await post('login', { email: 'anna@example.net', password: ann.password })).status).toBe(200);
  });
});
