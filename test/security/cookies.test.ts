import { parseSetCookie } from 'cookie';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noCookie } from '../../src/api/session-cookie.js';
import { type Answer, call, TestPerson } from '../fixtures/api-client.js';
import { startTestParley, type TestParley } from '../fixtures/parley.js';

const sevenDays = 7 * 24 * 60 * 60;

let parley: TestParley;
let ann: TestPerson;
let bob: TestPerson;
beforeAll(async () => {
  parley = await startTestParley();
  ann = await TestPerson.register(parley.url, 'Ann');
  bob = await TestPerson.register(parley.url, 'Bob');
});
afterAll(() => parley.close());

function cookieOf({ headers }: Answer) {
  const [header, ...others] = headers.getSetCookie();
  expect(others).toEqual([]);
  return parseSetCookie(header as string);
}

async function cookieOfLogin({ url, email, password }: TestPerson) {
  return cookieOf(await call(url, 'POST', 'auth/login', { body: { email, password } }));
}

/** As a browser sends it. */
async function sent(person: TestPerson): Promise<string> {
  const { name, value } = await cookieOfLogin(person);
  return `${name}=${value}`;
}

async function settingsOfCookie(settings: Record<string, unknown>, headers: Record<string, string> = {}) {
  const other = await startTestParley(settings);
  try {
    const body = { email: 'ann@example.org', name: 'Ann', password: 'correct horse' };
    return cookieOf(await call(other.url, 'POST', 'auth/register', { body, headers }));
  } finally {
    await other.close();
  }
}

describe("the session's cookie", () => {
  it('comes with a login, for this host and every path, hidden from scripts, for seven days', async () => {
    expect(await cookieOfLogin(ann)).toEqual({
      name: 'parley_session',
      value: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      maxAge: sevenDays,
      path: '/',
      httpOnly: true,
      sameSite: 'lax',
    });
  });

  it('comes with a registration', async () => {
    const cookie = await settingsOfCookie({});
    expect(cookie).toMatchObject({ name: 'parley_session', httpOnly: true });
  });

  it('is only sent over TLS where that is told of, under a name that no other host can set', async () => {
    const settings = { PARLEY_TLS: 'proxy', PARLEY_TRUSTED_PROXY_HOPS: 1 };
    const cookie = await settingsOfCookie(settings, { 'x-forwarded-proto': 'https' });
    expect(cookie).toMatchObject({ name: '__Host-parley_session', path: '/', secure: true, httpOnly: true });
    expect(cookie).not.toHaveProperty('domain');
  });

  it.each([
    ['strict', { PARLEY_COOKIE_SAMESITE: 'strict' }],
    ['none', { PARLEY_COOKIE_SAMESITE: 'none', PARLEY_COOKIE_SECURE: 'true' }],
  ])('is sent from other sites as it is set: %s', async (sameSite, settings) => {
    expect(await settingsOfCookie(settings)).toMatchObject({ sameSite });
  });

  it('lets a browser in', async () => {
    const answer = await call(parley.url, 'GET', 'auth/me', { headers: { cookie: await sent(ann) } });
    expect(answer).toMatchObject({ status: 200, body: { id: ann.id } });
  });

  it('is found among others', async () => {
    const cookie = `theme=dark; ${await sent(ann)}; $weird="a; b`;
    expect(await call(parley.url, 'GET', 'auth/me', { headers: { cookie } })).toMatchObject({ status: 200 });
  });

  it('is taken back by a logout, and lets nobody in from then on', async () => {
    const cookie = await sent(ann);
    const answer = await call(parley.url, 'POST', 'auth/logout', { headers: { cookie } });
    expect(answer.status).toBe(204);
    expect(cookieOf(answer)).toMatchObject({ name: 'parley_session', value: '', maxAge: 0, path: '/', httpOnly: true });
    expect(await call(parley.url, 'GET', 'auth/me', { headers: { cookie } })).toMatchObject({ status: 401 });
    expect(await call(parley.url, 'POST', 'auth/logout', { headers: { cookie } })).toMatchObject({ status: 401 });
  });

  it('comes with answers of routes that are declared to set it, and no others', () => {
    expect(() => noCookie.set('value')).toThrow('setsCookie');
    expect(() => noCookie.clear()).toThrow('setsCookie');
  });

  it('counts for nothing beside an Authorization header', async () => {
    const cookie = await sent(ann);
    const asBob = await call(parley.url, 'GET', 'auth/me', { token: bob.token, headers: { cookie } });
    expect(asBob.body.id).toBe(bob.id);
  });

  it.each([['Bearer nonsense'], ['Bearer '], ['Bearer'], ['Basic YW5uOnB3'], ['']])(
    'does not make up for a bad one: %j',
    async (authorization) => {
      const headers = { cookie: await sent(ann), authorization };
      expect(await call(parley.url, 'GET', 'auth/me', { headers })).toMatchObject({ status: 401 });
    },
  );

  it.each([
    ['nothing', () => ''],
    ['nonsense', () => 'nonsense'],
    ['an access token', () => ann.token],
    ['another signature', (value: string) => `${value.slice(0, -4)}AAAA`],
    ['something appended', (value: string) => `${value}.x`],
    ['10,000 characters', () => 'a'.repeat(10_000)],
  ])('lets nobody in with %s', async (_what, change) => {
    const { name, value } = await cookieOfLogin(ann);
    const headers = { cookie: `${name}=${change(value as string)}` };
    expect(await call(parley.url, 'GET', 'auth/me', { headers })).toMatchObject({
      status: 401,
      body: { code: 'unauthenticated' },
    });
  });

  it('is no access token', async () => {
    const { value } = await cookieOfLogin(ann);
    expect(await call(parley.url, 'GET', 'auth/me', { token: value })).toMatchObject({ status: 401 });
  });

  it('does not keep anyone from logging in when it has gone bad', async () => {
    const { email, password } = ann;
    const headers = { cookie: 'parley_session=nonsense' };
    expect(await call(parley.url, 'POST', 'auth/login', { body: { email, password }, headers })).toMatchObject({
      status: 200,
    });
  });

  it('under its plain name lets nobody in where it must be secure', async () => {
    const settings = { PARLEY_COOKIE_SECURE: 'true' };
    const other = await startTestParley(settings);
    try {
      const person = await TestPerson.register(other.url, 'Ann');
      const { name, value } = await cookieOfLogin(person);
      const asked = (cookie: string) => call(other.url, 'GET', 'auth/me', { headers: { cookie } });
      expect(await asked(`${name}=${value}`)).toMatchObject({ status: 200 });
      expect(await asked(`parley_session=${value}`)).toMatchObject({ status: 401 });
    } finally {
      await other.close();
    }
  });
});
