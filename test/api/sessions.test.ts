import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, call, TestPerson } from '../fixtures/api-client.js';
import { startTestParley, type TestParley } from '../fixtures/parley.js';

let parley: TestParley;
beforeAll(async () => {
  parley = await startTestParley();
});
afterAll(() => parley.close());

const post = (path: string, body?: unknown, headers = {}) => call(parley.url, 'POST', path, { body, headers });
const me = (token: string) => call(parley.url, 'GET', 'auth/me', { token });
const logIn = async ({ email, password }: TestPerson): Promise<Answer> => post('auth/login', { email, password });
const refresh = (refreshToken: string) => post('auth/refresh', { refreshToken });
const cookieOf = ({ headers }: Answer) => (headers.get('set-cookie') ?? '').split(';', 1)[0] as string;

describe('a session', () => {
  it('is answered with tokens and a cookie', async () => {
    const ann = await TestPerson.register(parley.url, 'Ann');
    const { status, body, headers } = await logIn(ann);
    expect({ status, body }).toMatchObject({
      status: 200,
      body: {
        user: { id: ann.id },
        expiresIn: 3600,
        accessToken: expect.any(String),
        refreshToken: expect.any(String),
      },
    });
    expect(headers.get('set-cookie')).toMatch(/^parley_session=.*HttpOnly/);
  });

  it('can be used by its cookie alone', async () => {
    const ann = await TestPerson.register(parley.url, 'Ann');
    const cookie = cookieOf(await logIn(ann));
    expect(await call(parley.url, 'GET', 'auth/me', { headers: { cookie } })).toMatchObject({
      status: 200,
      body: { id: ann.id },
    });
  });

  it('goes on by its refresh token, once for each', async () => {
    const ann = await TestPerson.register(parley.url, 'Ann');
    const first = (await logIn(ann)).body.refreshToken;
    const second = await refresh(first);
    expect(second).toMatchObject({ status: 200, body: { user: { id: ann.id } } });
    expect(second.body.refreshToken).not.toBe(first);
    expect(await refresh(second.body.refreshToken)).toMatchObject({ status: 200 });
  });

  it('gives ten racing refreshes the same successor, since an answer may be lost', async () => {
    const ann = await TestPerson.register(parley.url, 'Ann');
    const { refreshToken } = (await logIn(ann)).body;
    const answers = await Promise.all(Array.from({ length: 10 }, () => refresh(refreshToken)));
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
    expect(new Set(answers.map(({ body }) => body.refreshToken)).size).toBe(1);
  });

  it('ends when a refresh token comes again whose successor was used', async () => {
    const ann = await TestPerson.register(parley.url, 'Ann');
    const stolen = (await logIn(ann)).body.refreshToken;
    const second = (await refresh(stolen)).body.refreshToken;
    const third = (await refresh(second)).body;
    expect(await refresh(stolen)).toMatchObject({ status: 401, body: { code: 'session-ended' } });
    expect(await refresh(third.refreshToken)).toMatchObject({ status: 401, body: { code: 'session-ended' } });
    expect(await me(third.accessToken)).toMatchObject({ status: 401 });
  });

  it.each(['access', 'nonsense'])('is not refreshed by %s', async (kind) => {
    const ann = await TestPerson.register(parley.url, 'Ann');
    expect(await refresh(kind === 'access' ? ann.token : 'abc.def.ghi')).toMatchObject({ status: 401 });
  });

  it('ends with a logout, at once, and with it the cookie', async () => {
    const ann = await TestPerson.register(parley.url, 'Ann');
    const login = await logIn(ann);
    const token = login.body.accessToken;
    const out = await call(parley.url, 'POST', 'auth/logout', { token });
    expect(out.status).toBe(204);
    expect(out.headers.get('set-cookie')).toMatch(/Max-Age=0/);
    expect(await me(token)).toMatchObject({ status: 401 });
    expect(await refresh(login.body.refreshToken)).toMatchObject({ status: 401 });
    expect(await call(parley.url, 'GET', 'auth/me', { headers: { cookie: cookieOf(login) } })).toMatchObject({
      status: 401,
    });
    expect(await me(ann.token)).toMatchObject({ status: 200 });
  });

  it('must be there to be ended', async () => {
    expect(await post('auth/logout')).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
  });

  it('ends with all others of the person', async () => {
    const ann = await TestPerson.register(parley.url, 'Ann');
    const { accessToken } = (await logIn(ann)).body;
    expect((await ann.post('auth/logout-all')).status).toBe(204);
    expect(await me(ann.token)).toMatchObject({ status: 401 });
    expect(await me(accessToken)).toMatchObject({ status: 401 });
  });

  it('is listed with the device and the address, and can be ended from another', async () => {
    const ann = await TestPerson.register(parley.url, 'Ann');
    const agent = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
    const { email, password } = ann;
    const other = await post('auth/login', { email, password }, { 'user-agent': agent });
    const { items } = (await ann.get('auth/sessions')).body;
    expect(items).toHaveLength(2);
    const firefox = items.find(({ device }: { device: string }) => device === 'Firefox on Linux');
    expect(firefox).toMatchObject({ method: 'password', current: false, address: expect.any(String) });
    expect(await ann.delete(`auth/sessions/${firefox.id}`)).toMatchObject({ status: 204 });
    expect(await me(other.body.accessToken)).toMatchObject({ status: 401 });
    expect(await ann.delete(`auth/sessions/${firefox.id}`)).toMatchObject({ status: 404 });
  });

  it('of someone else can neither be seen nor ended', async () => {
    const ann = await TestPerson.register(parley.url, 'Ann');
    const bob = await TestPerson.register(parley.url, 'Bob');
    const [{ id }] = (await ann.get('auth/sessions')).body.items;
    expect(await bob.delete(`auth/sessions/${id}`)).toMatchObject({ status: 404 });
    expect(await bob.get(`users/${ann.id}/sessions`)).toMatchObject({ status: 403 });
    expect(await bob.delete(`users/${ann.id}/sessions`)).toMatchObject({ status: 403 });
  });

  it('outlives a restart of the server', async () => {
    const ann = await TestPerson.register(parley.url, 'Ann');
    const { refreshToken, accessToken } = (await logIn(ann)).body;
    parley = await parley.restart();
    expect(await me(accessToken)).toMatchObject({ status: 200 });
    expect(await refresh(refreshToken)).toMatchObject({ status: 200 });
  });
});

describe('a password', () => {
  it('changed ends all other sessions', async () => {
    const ann = await TestPerson.register(parley.url, 'Ann');
    const { accessToken } = (await logIn(ann)).body;
    const change = { currentPassword: ann.password, newPassword: 'another good one' };
    expect(await ann.post('auth/change-password', change)).toMatchObject({ status: 204 });
    expect(await me(ann.token)).toMatchObject({ status: 200 });
    expect(await me(accessToken)).toMatchObject({ status: 401 });
    expect(await logIn(ann)).toMatchObject({ status: 401 });
    expect(await post('auth/login', { email: ann.email, password: 'another good one' })).toMatchObject({ status: 200 });
  });

  it('is changed by nobody who does not know it', async () => {
    const ann = await TestPerson.register(parley.url, 'Ann');
    const change = { currentPassword: 'not this one', newPassword: 'another good one' };
    expect(await ann.post('auth/change-password', change)).toMatchObject({
      status: 401,
      body: { code: 'wrong-credentials' },
    });
    expect(await logIn(ann)).toMatchObject({ status: 200 });
  });
});

describe('wrong logins', () => {
  let guarded: TestParley;
  beforeAll(async () => {
    guarded = await startTestParley({ PARLEY_AUTH_TRIES: 10, PARLEY_TRUSTED_PROXY_HOPS: 1 });
  });
  afterAll(() => guarded.close());

  let addresses = 0;
  /** Each from another address, so that only the account is counted. */
  const logInAt = (email: string, password: string) => {
    addresses += 1;
    const headers = { 'x-forwarded-for': `198.51.100.${addresses}` };
    return call(guarded.url, 'POST', 'auth/login', { body: { email, password }, headers });
  };
  const wrong = { status: 401, body: { code: 'wrong-credentials' } };

  it('are ten at most in a while, for a known account as for an unknown one', async () => {
    const ann = await TestPerson.register(guarded.url, 'Ann');
    for (const email of [ann.email, `${crypto.randomUUID()}@example.org`]) {
      for (let n = 0; n < 10; n += 1) expect(await logInAt(email, 'wrong')).toMatchObject(wrong);
      const refused = await logInAt(email, ann.password);
      expect(refused).toMatchObject({ status: 429, body: { code: 'rate-limited' } });
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    }
  });

  it('are still counted after a restart', async () => {
    const ann = await TestPerson.register(guarded.url, 'Ann');
    for (let n = 0; n < 10; n += 1) expect(await logInAt(ann.email, 'wrong')).toMatchObject(wrong);
    guarded = await guarded.restart();
    expect(await logInAt(ann.email, ann.password)).toMatchObject({ status: 429 });
  });

  it('are forgotten with a right one', async () => {
    const ann = await TestPerson.register(guarded.url, 'Ann');
    for (let n = 0; n < 9; n += 1) await logInAt(ann.email, 'wrong');
    expect(await logInAt(ann.email, ann.password)).toMatchObject({ status: 200 });
    guarded = await guarded.restart();
    for (let n = 0; n < 9; n += 1) expect(await logInAt(ann.email, 'wrong')).toMatchObject(wrong);
    expect(await logInAt(ann.email, ann.password)).toMatchObject({ status: 200 });
  });
});
