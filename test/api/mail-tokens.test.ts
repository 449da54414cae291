import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { call, TestPerson } from '../fixtures/api-client.js';
import { startTestParley, type TestParley } from '../fixtures/parley.js';
import { headerOf, parts } from '../mail/mime.js';

const patient = { timeout: 15_000, interval: 10 };
const hourMs = 3_600_000;
const newPassword = 'battery staple';
const notValid = { status: 400, body: { code: 'token-not-valid' } };

let parley: TestParley;
beforeAll(async () => {
  parley = await startTestParley({ NODE_ENV: 'development', FRONTEND_URL: 'https://talk.example' });
});
afterAll(() => parley.close());
afterEach(() => void vi.useRealTimers());

const post = (path: string, body: unknown, token?: string) => call(parley.url, 'POST', `auth/${path}`, { body, token });
const logIn = (email: string, password: string) => post('login', { email, password });
const reset = (token: string, password = newPassword) => post('reset-password', { token, password });
const forgot = async (email: string) => expect((await post('forgot-password', { email })).status).toBe(202);

/** The tokens of all links to a page that were mailed to an address, the first one first. */
async function mailed(email: string, page: string): Promise<string[]> {
  const folder = join(parley.dataDirectory, 'mail');
  const names = await readdir(folder).catch(() => []);
  const mails = await Promise.all(names.sort().map((name) => readFile(join(folder, name), 'latin1')));
  return mails
    .filter((mail) => headerOf(mail, 'to')?.includes(email))
    .flatMap((mail) => new RegExp(`/${page}\\?token=(\\S+)`).exec(parts(mail)[0] ?? '')?.[1] ?? []);
}

/** Waits for as many, and answers the last of them. */
async function tokenOf(email: string, page: string, number = 1): Promise<string> {
  await expect.poll(async () => (await mailed(email, page)).length, patient).toBe(number);
  return (await mailed(email, page)).at(-1) as string;
}

/** The clock of this process, in which Parley runs; timers go on as they do. */
function pass(ms: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + ms });
}

describe('a token that lets a password be set', () => {
  it('ends all sessions, and shows that the address is the person’s', async () => {
    const ann = await TestPerson.register(parley.url, 'Ann');
    await forgot(ann.email);
    expect((await reset(await tokenOf(ann.email, 'reset-password'))).status).toBe(204);
    expect(await ann.get('auth/me')).toMatchObject({ status: 401 });
    expect(await logIn(ann.email, ann.password)).toMatchObject({ status: 401 });
    expect(await logIn(ann.email, newPassword)).toMatchObject({ status: 200, body: { user: { emailVerified: true } } });
  });

  it('is the last one that was asked for', async () => {
    const ann = await TestPerson.register(parley.url, 'Ann');
    await forgot(ann.email);
    const first = await tokenOf(ann.email, 'reset-password');
    await forgot(ann.email);
    const second = await tokenOf(ann.email, 'reset-password', 2);
    expect(await reset(first)).toMatchObject(notValid);
    expect((await reset(second)).status).toBe(204);
  });

  it('has one winner when it is given ten times at once', async () => {
    const ann = await TestPerson.register(parley.url, 'Ann');
    await forgot(ann.email);
    const token = await tokenOf(ann.email, 'reset-password');
    const answers = await Promise.all(Array.from({ length: 10 }, (_, n) => reset(token, `battery staple ${n}`)));
    expect(answers.map(({ status }) => status).sort()).toEqual([204, ...Array(9).fill(400)]);
  });

  it('is good for an hour', async () => {
    const ann = await TestPerson.register(parley.url, 'Ann');
    await forgot(ann.email);
    const token = await tokenOf(ann.email, 'reset-password');
    pass(hourMs);
    expect(await reset(token)).toMatchObject(notValid);
    expect(await logIn(ann.email, ann.password)).toMatchObject({ status: 200 });
  });

  it('is void once the password or the address was changed', async () => {
    const ann = await TestPerson.register(parley.url, 'Ann');
    await forgot(ann.email);
    const first = await tokenOf(ann.email, 'reset-password');
    const change = { currentPassword: ann.password, newPassword };
    expect((await ann.post('auth/change-password', change)).status).toBe(204);
    expect(await reset(first, 'a third one')).toMatchObject(notValid);
    await forgot(ann.email);
    const second = await tokenOf(ann.email, 'reset-password', 2);
    const email = `${crypto.randomUUID()}@example.org`;
    expect(await ann.post('auth/change-email', { email, password: newPassword })).toMatchObject({ status: 200 });
    expect(await reset(second, 'a third one')).toMatchObject(notValid);
  });

  it('is of no other kind', async () => {
    const ann = await TestPerson.register(parley.url, 'Ann');
    const { body } = await logIn(ann.email, ann.password);
    const verification = await tokenOf(ann.email, 'verify-email');
    for (const token of [verification, body.accessToken, body.refreshToken, 'nonsense']) {
      expect(await reset(token)).toMatchObject(notValid);
    }
    await forgot(ann.email);
    expect(await post('verify-email', { token: await tokenOf(ann.email, 'reset-password') })).toMatchObject(notValid);
  });

  it('is mailed to nobody who has no account, and the answer is the same', async () => {
    const ann = await TestPerson.register(parley.url, 'Ann');
    const nobody = `${crypto.randomUUID()}@example.org`;
    const answers = [];
    for (const email of [nobody, ann.email]) {
      for (const path of ['forgot-password', 'verify-email/resend']) {
        const { status, body } = await post(path, { email });
        answers.push({ status, body });
      }
    }
    expect(answers).toEqual(Array(4).fill({ status: 202, body: {} }));
    // What was asked for later is there: so is all that was asked for before.
    await tokenOf(ann.email, 'reset-password');
    expect(await mailed(nobody, 'reset-password')).toEqual([]);
  });
});

describe('a token that verifies an address', () => {
  it('is good once, and for a day', async () => {
    const [ann, bob] = [await TestPerson.register(parley.url, 'Ann'), await TestPerson.register(parley.url, 'Bob')];
    const [anns, bobs] = [await tokenOf(ann.email, 'verify-email'), await tokenOf(bob.email, 'verify-email')];
    expect((await post('verify-email', { token: anns })).status).toBe(204);
    expect((await ann.get('auth/me')).body.emailVerified).toBe(true);
    expect(await post('verify-email', { token: anns })).toMatchObject(notValid);
    pass(24 * hourMs);
    expect(await post('verify-email', { token: bobs })).toMatchObject(notValid);
  });

  it('is void once another one was sent', async () => {
    const ann = await TestPerson.register(parley.url, 'Ann');
    const first = await tokenOf(ann.email, 'verify-email');
    expect((await post('verify-email/resend', { email: ann.email })).status).toBe(202);
    const second = await tokenOf(ann.email, 'verify-email', 2);
    expect(await post('verify-email', { token: first })).toMatchObject(notValid);
    expect((await post('verify-email', { token: second })).status).toBe(204);
  });

  it('is void once the address was changed', async () => {
    const ann = await TestPerson.register(parley.url, 'Ann');
    const token = await tokenOf(ann.email, 'verify-email');
    const email = `${crypto.randomUUID()}@example.org`;
    expect((await ann.post('auth/change-email', { email, password: ann.password })).status).toBe(200);
    expect(await post('verify-email', { token })).toMatchObject(notValid);
    expect((await ann.get('auth/me')).body).toMatchObject({ email, emailVerified: false });
  });
});

describe('one’s own address', () => {
  it('is changed by who knows the password, to one that is free', async () => {
    const [ann, bob] = [await TestPerson.register(parley.url, 'Ann'), await TestPerson.register(parley.url, 'Bob')];
    const change = (email: string, password: string) => ann.post('auth/change-email', { email, password });
    expect(await change('ann@example.net', 'wrong')).toMatchObject({ status: 401 });
    expect(await change(bob.email.toUpperCase(), ann.password)).toMatchObject({
      status: 409,
      body: { code: 'email-taken' },
    });
    expect((await ann.get('auth/me')).body.email).toBe(ann.email);
  });
});

describe('where addresses must be verified', () => {
  let strict: TestParley;
  beforeAll(async () => {
    strict = await startTestParley({ PARLEY_EMAIL_VERIFICATION: 'required' });
  });
  afterAll(() => strict.close());

  const ask = (path: string, body: unknown) => call(strict.url, 'POST', `auth/${path}`, { body });
  const newcomer = (email: string) => ({ email, name: 'Ann', password: 'correct horse' });

  it('a registration is answered the same whether the address is free or taken, and lets nobody in', async () => {
    const email = `${crypto.randomUUID()}@example.org`;
    const free = await ask('register', newcomer(email));
    const taken = await ask('register', { ...newcomer(email), password: 'another horse' });
    for (const { status, body, headers } of [free, taken]) {
      expect({ status, body }).toEqual({ status: 202, body: { verification: 'required' } });
      expect(headers.getSetCookie()).toEqual([]);
    }
    const named = (headers: Headers) => [...headers.keys()].filter((name) => !name.startsWith('ratelimit')).sort();
    expect(named(taken.headers)).toEqual(named(free.headers));
  });

  it('that is told only to who knows the password', async () => {
    const email = `${crypto.randomUUID()}@example.org`;
    await ask('register', newcomer(email));
    expect(await ask('login', { email, password: 'wrong' })).toMatchObject({ body: { code: 'wrong-credentials' } });
    expect(await ask('login', { email, password: 'correct horse' })).toMatchObject({
      status: 403,
      body: { code: 'email-not-verified' },
    });
  });
});

describe('in development', () => {
  it('the mails of someone who is forgotten go with them', async () => {
    const [ann, bob] = [await TestPerson.register(parley.url, 'Ann'), await TestPerson.register(parley.url, 'Bob')];
    for (const { email } of [ann, bob]) await tokenOf(email, 'verify-email');
    const { password } = ann;
    const forgotten = await call(parley.url, 'POST', 'users/me/forget', { token: ann.token, body: { password } });
    expect(forgotten.status).toBe(200);
    await expect.poll(() => mailed(ann.email, 'verify-email'), patient).toEqual([]);
    expect(await mailed(bob.email, 'verify-email')).toHaveLength(1);
  });
});
