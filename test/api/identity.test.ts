import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call, TestPerson } from '../fixtures/api-client.js';
import { startTestParley, type TestParley } from '../fixtures/parley.js';

let parley: TestParley;
beforeAll(async () => {
  parley = await startTestParley();
});
afterAll(() => parley.close());

const post = (path: string, body: unknown, headers = {}) => call(parley.url, 'POST', path, { body, headers });
const newcomer = (over: object = {}) => ({
  email: `${crypto.randomUUID()}@example.org`,
  name: 'Ann Lee',
  password: 'correct horse',
  ...over,
});

describe('registering', () => {
  it('answers with the user, a session and where it was recorded', async () => {
    const given = newcomer();
    const { status, headers, body } = await post('auth/register', given);
    expect(status).toBe(201);
    expect(body).toMatchObject({ id: body.user.id, stream: `account-${body.id}`, revision: 1 });
    expect(body.user).toEqual({
      id: body.id,
      email: given.email,
      emailVerified: false,
      name: 'Ann Lee',
      username: expect.any(String),
      role: 'member',
      avatar: null,
      timeZone: null,
      locale: null,
    });
    expect(headers.get('parley-position')).toBe(body.position);
    const me = await call(parley.url, 'GET', 'auth/me', { token: body.accessToken });
    expect(me).toMatchObject({ status: 200, body: body.user });
  });

  it('derives a user name from the name, and another one where that is taken', async () => {
    const first = await post('auth/register', newcomer({ name: 'Zoë Ångström' }));
    const second = await post('auth/register', newcomer({ name: 'Zoë Ångström' }));
    expect(first.body.user.username).toBe('zoe.angstrom');
    expect(second.body.user.username).toMatch(/^zoe\.angstrom\d{4}$/);
  });

  it('takes the user name asked for, once, whatever its case', async () => {
    expect(await post('auth/register', newcomer({ username: 'Bea' }))).toMatchObject({ status: 201 });
    const again = await post('auth/register', newcomer({ username: 'bEA' }));
    expect(again).toMatchObject({ status: 409, body: { code: 'username-taken' } });
  });

  it('takes an e-mail address once, whatever its case and the spaces around it', async () => {
    const given = newcomer();
    await post('auth/register', given);
    const again = await post('auth/register', newcomer({ email: `  ${given.email.toUpperCase()} ` }));
    expect(again).toMatchObject({
      status: 409,
      body: { code: 'email-taken', errors: [{ field: 'email', message: expect.any(String) }] },
    });
  });

  it('has one winner when the same address registers ten times at once', async () => {
    const given = newcomer();
    const answers = await Promise.all(Array.from({ length: 10 }, () => post('auth/register', given)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(9).fill(409)]);
  });

  it.each([
    ['no e-mail address', { email: 'nobody' }, 'email'],
    ['an e-mail address that is too long', { email: `${'a'.repeat(250)}@example.org` }, 'email'],
    ['an e-mail address that is an object', { email: { $ne: null } }, 'email'],
    ['a name of one letter', { name: 'A' }, 'name'],
    ['a name of 51 letters', { name: 'a'.repeat(51) }, 'name'],
    ['a password of 7 characters', { password: '1234567' }, 'password'],
    ['a password of 257 characters', { password: 'a'.repeat(257) }, 'password'],
    ['a user name of 81 characters', { username: 'a'.repeat(81) }, 'username'],
    ['a user name like an e-mail address', { username: 'a@b' }, 'username'],
    ['a field that is not known', { admin: true }, 'admin'],
  ])('refuses %s', async (_what, over, field) => {
    const { status, body } = await post('auth/register', newcomer(over));
    expect({ status, code: body.code }).toEqual({ status: 400, code: 'invalid-input' });
    expect(body.errors.map((error: { field: string }) => error.field)).toContain(field);
  });

  it('names every field at fault, and all that are required, in one answer', async () => {
    const { body } = await post('auth/register', { name: 'A' });
    expect(body.errors.map((error: { field: string }) => error.field).sort()).toEqual(['email', 'name', 'password']);
    expect(body.required).toEqual(['email', 'name', 'password']);
    expect(body.detail).toContain('email is required');
    expect(body.detail).toContain('Required: email, name, password');
  });

  it('has one effect for one Idempotency-Key, and the session only for the same password', async () => {
    const given = newcomer();
    const key = { 'idempotency-key': 'again' };
    const first = await post('auth/register', given, key);
    const second = await post('auth/register', given, key);
    expect(second).toMatchObject({ status: 201, body: { id: first.body.id, position: first.body.position } });
    const guessed = await post('auth/register', { ...given, password: 'another one' }, key);
    expect(guessed).toMatchObject({ status: 422, body: { code: 'idempotency-key-reused' } });
    const renamed = await post('auth/register', { ...given, name: 'Another' }, key);
    expect(renamed).toMatchObject({ status: 422, body: { code: 'idempotency-key-reused' } });
    const other = await post('auth/register', newcomer(), key);
    expect(other.status).toBe(201);
  });
});

describe('logging in', () => {
  it('takes the e-mail address or the user name', async () => {
    const given = newcomer({ username: 'Cleo' });
    const { body } = await post('auth/register', given);
    for (const login of [{ email: given.email.toUpperCase() }, { username: 'cleo' }]) {
      const answer = await post('auth/login', { ...login, password: given.password });
      expect(answer).toMatchObject({ status: 200, body: { user: body.user, accessToken: expect.any(String) } });
    }
  });

  it('answers the same for a wrong password and for nobody', async () => {
    const given = newcomer();
    await post('auth/register', given);
    const wrong = await post('auth/login', { email: given.email, password: 'wrong password' });
    const nobody = await post('auth/login', { email: 'nobody@example.org', password: 'wrong password' });
    expect(wrong).toMatchObject({ status: 401, body: { code: 'wrong-credentials' } });
    expect(nobody.body).toEqual(wrong.body);
  });

  it('survives a restart, with its sessions', async () => {
    let other = await startTestParley();
    try {
      const ann = await TestPerson.register(other.url, 'Ann');
      other = await other.restart();
      const { body } = await call(other.url, 'POST', 'auth/login', {
        body: { email: ann.email, password: ann.password },
      });
      expect(body.user.id).toBe(ann.id);
      expect((await call(other.url, 'GET', 'auth/me', { token: ann.token })).body.id).toBe(ann.id);
    } finally {
      await other.close();
    }
  });

  it.each([
    ['neither of them', { password: 'x' }],
    ['both of them', { email: 'a@example.org', username: 'a', password: 'x' }],
    ['no password', { email: 'a@example.org' }],
    ['an operator', { email: { $ne: null }, password: { $ne: null } }],
  ])('refuses %s', async (_what, body) => {
    expect(await post('auth/login', body)).toMatchObject({ status: 400, body: { code: 'invalid-input' } });
  });
});

describe('being logged in', () => {
  it.each([
    ['no token', {}],
    ['another scheme', { authorization: 'Basic YTpi' }],
    ['a token that is none', { authorization: 'Bearer nonsense' }],
  ])('is asked for: %s', async (_what, headers) => {
    const answer = await call(parley.url, 'GET', 'auth/me', { headers });
    expect(answer).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
  });
});
