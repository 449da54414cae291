import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import bcrypt from 'bcrypt';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Answer, call, TestPerson } from '../fixtures/api-client.js';
import { startTestParley, type TestParley } from '../fixtures/parley.js';
import { parts } from '../mail/mime.js';

const root = { email: 'root@example.org', password: 'correct horse' };

let parley: TestParley;
let admin: string;
beforeAll(async () => {
  parley = await startTestParley({ PARLEY_ADMIN_EMAIL: root.email, PARLEY_ADMIN_PASSWORD: root.password });
  admin = (await logIn(root)).body.accessToken;
});
afterAll(() => parley.close());

const logIn = (credentials: object) => call(parley.url, 'POST', 'auth/login', { body: credentials });
const asAdmin = (method: string, path: string, body?: unknown) =>
  call(parley.url, method, path, { token: admin, body });
const as = ({ token }: { token: string }, method: string, path: string, body?: unknown) =>
  call(parley.url, method, path, { token, body });
const someone = (name = 'Ann') => TestPerson.register(parley.url, name);
const anAddress = () => `${crypto.randomUUID()}@example.org`;
const aName = () => `u${crypto.randomUUID().slice(0, 13)}`;
const refused = (status: number, code: string) => ({ status, body: { code } });

describe('the first admin', () => {
  it('is made as the settings say, and can log in at once', async () => {
    const { status, body } = await logIn(root);
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { user: { email: root.email, emailVerified: true, role: 'admin', name: 'Administrator' } },
    });
  });

  it('is made once, and keeps what they have changed', async () => {
    let other = await startTestParley({ PARLEY_ADMIN_EMAIL: root.email, PARLEY_ADMIN_PASSWORD: root.password });
    try {
      const sign = (password: string) =>
        call(other.url, 'POST', 'auth/login', { body: { email: root.email, password } });
      const { accessToken, user } = (await sign(root.password)).body;
      const change = { currentPassword: root.password, newPassword: 'battery staple' };
      await call(other.url, 'POST', 'auth/change-password', { token: accessToken, body: change });
      other = await other.restart();
      expect(await sign(root.password)).toMatchObject(refused(401, 'wrong-credentials'));
      expect((await sign('battery staple')).body.user).toEqual(user);
    } finally {
      await other.close();
    }
  });

  it('is whoever has the address and has verified it, not whoever has registered with it', async () => {
    let other = await startTestParley({ NODE_ENV: 'development' });
    const body = { email: root.email, name: 'Ann', password: root.password };
    const admin = { PARLEY_ADMIN_EMAIL: root.email.toUpperCase(), PARLEY_ADMIN_PASSWORD: 'another password' };
    const loggedIn = async () => (await call(other.url, 'POST', 'auth/login', { body: root })).body.user;
    try {
      const { user } = (await call(other.url, 'POST', 'auth/register', { body })).body;
      other = await other.restart(undefined, admin);
      expect(await loggedIn()).toMatchObject({ id: user.id, role: 'member' });
      const folder = join(other.dataDirectory, 'mail');
      const [mail = ''] = await vi.waitFor(
        async () => {
          const files = await readdir(folder);
          expect(files).toHaveLength(1);
          return Promise.all(files.map((file) => readFile(join(folder, file), 'latin1')));
        },
        { timeout: 60_000 },
      );
      const [, token] = /verify-email\?token=(\S+)/.exec(parts(mail)[0] ?? '') ?? [];
      expect(await call(other.url, 'POST', 'auth/verify-email', { body: { token } })).toMatchObject({ status: 204 });
      other = await other.restart(undefined, admin);
      expect(await loggedIn()).toMatchObject({ id: user.id, role: 'admin', name: 'Ann' });
    } finally {
      await other.close();
    }
  });
});

describe('the last admin', () => {
  it('stays one, until there is another', async () => {
    const alone = await startTestParley({ PARLEY_ADMIN_EMAIL: root.email, PARLEY_ADMIN_PASSWORD: root.password });
    try {
      const { accessToken: token, user } = (await call(alone.url, 'POST', 'auth/login', { body: root })).body;
      const ask = (path: string, body?: unknown, method = 'POST') => call(alone.url, method, path, { token, body });
      const { password } = root;
      expect(await ask('users/me/forget', { password })).toMatchObject(refused(409, 'last-admin'));
      expect(await ask(`users/${user.id}/deactivate`)).toMatchObject(refused(409, 'last-admin'));
      const ann = await TestPerson.register(alone.url, 'Ann');
      expect(await ask(`users/${ann.id}/role`, { role: 'admin' }, 'PUT')).toMatchObject({ status: 200 });
      expect(await ask('users/me/forget', { password })).toMatchObject({ status: 200 });
      expect(await ann.post(`users/${ann.id}/deactivate`)).toMatchObject(refused(409, 'last-admin'));
    } finally {
      await alone.close();
    }
  });
});

describe('accounts', () => {
  it('are listed newest first, page by page, each once', async () => {
    const people = [await someone(), await someone(), await someone()];
    const seen: string[] = [];
    let next: string | null = null;
    do {
      const { body }: Answer = await asAdmin('GET', `users?limit=2${next ? `&cursor=${next}` : ''}`);
      expect(body.items.length).toBeLessThanOrEqual(2);
      seen.push(...body.items.map(({ id }: { id: string }) => id));
      next = body.next;
    } while (next !== null);
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.filter((id) => people.some((person) => person.id === id))).toEqual(
      people.map(({ id }) => id).reverse(),
    );
  });

  it('are listed with what those may know who read accounts', async () => {
    const ann = await someone();
    const { items } = (await asAdmin('GET', 'users?limit=1')).body;
    expect(items).toEqual([
      {
        id: ann.id,
        name: 'Ann',
        username: expect.any(String),
        avatar: null,
        timeZone: null,
        locale: null,
        email: ann.email,
        emailVerified: false,
        role: 'member',
        status: 'active',
        deactivationReason: null,
        hasPassword: true,
        secondFactor: false,
        registeredAt: expect.any(String),
      },
    ]);
  });

  it('are found by role and by state', async () => {
    const [ann, bob] = [await someone(), await someone('Bob')];
    await asAdmin('PUT', `users/${ann.id}/role`, { role: 'analyst' });
    await asAdmin('POST', `users/${bob.id}/deactivate`, { reason: 'spam' });
    const ids = async (filter: string) =>
      (await asAdmin('GET', `users?${filter}`)).body.items.map(({ id }: { id: string }) => id);
    expect(await ids('role=analyst')).toEqual([ann.id]);
    expect(await ids('role=analyst&status=deactivated')).toEqual([]);
    expect(await ids('status=deactivated')).toContain(bob.id);
    expect(await ids('status=active')).not.toContain(bob.id);
  });

  it.each([['role=owner'], ['status=banned'], ['limit=0'], ['limit=1000'], ['cursor=nonsense'], ['email=a']])(
    'are not found by %s',
    async (filter) => {
      expect(await asAdmin('GET', `users?${filter}`)).toMatchObject({ status: 400 });
    },
  );

  it('are told to the person, to admins and moderators, and to nobody else', async () => {
    const [ann, bob, moderator] = [await someone(), await someone('Bob'), await someone('Mo')];
    await asAdmin('PUT', `users/${moderator.id}/role`, { role: 'moderator' });
    const account = { email: ann.email, status: 'active', role: 'member' };
    for (const answer of [await ann.get(`users/${ann.id}`), await asAdmin('GET', `users/${ann.id}`)]) {
      expect(answer).toMatchObject({ status: 200, body: { id: ann.id, name: 'Ann', account } });
    }
    expect((await moderator.get(`users/${ann.id}`)).body).toMatchObject({ account });
    const seen = (await bob.get(`users/${ann.id}`)).body;
    expect(seen).toMatchObject({ id: ann.id, name: 'Ann' });
    expect(JSON.stringify(seen)).not.toContain(ann.email);
    expect(seen).not.toHaveProperty('account');
  });

  it('that are not there are not found', async () => {
    for (const id of [crypto.randomUUID(), 'nonsense', '..', '%00']) {
      expect((await asAdmin('GET', `users/${id}`)).status).toBe(404);
    }
  });
});

describe('an account that an admin makes', () => {
  it('can be used at once with the password that it is given', async () => {
    const [email, username] = [anAddress(), aName()];
    const made = await asAdmin('POST', 'users', { email, name: 'Cleo', username, password: 'battery staple' });
    expect(made).toMatchObject({ status: 201, body: { email, name: 'Cleo', username, role: 'member' } });
    for (const login of [{ email }, { username }]) {
      expect(await logIn({ ...login, password: 'battery staple' })).toMatchObject({
        status: 200,
        body: { user: { id: made.body.id } },
      });
    }
  });

  it('can be used with the password that another system kept a hash of, which is renewed at the first login', async () => {
    const email = `${crypto.randomUUID()}@example.org`;
    const passwordHash = (await bcrypt.hash('brought along', 4)).replace('$2b$', '$2y$');
    expect((await asAdmin('POST', 'users', { email, name: 'Ann', passwordHash })).status).toBe(201);
    expect((await logIn({ email, password: 'something else' })).status).toBe(401);
    expect((await logIn({ email, password: 'brought along' })).status).toBe(200);
    expect((await logIn({ email, password: 'brought along' })).status).toBe(200);
    const refused = await asAdmin('POST', 'users', { name: 'Bob', passwordHash: '$1$md5' });
    expect(refused).toMatchObject({ status: 400, body: { errors: [{ field: 'passwordHash' }] } });
  });

  it('needs no address', async () => {
    const username = aName();
    const made = await asAdmin('POST', 'users', { name: 'Cleo', username, password: 'battery staple' });
    expect(made).toMatchObject({ status: 201, body: { email: null, username } });
    expect(await logIn({ username, password: 'battery staple' })).toMatchObject({ status: 200 });
  });

  it('has the role that it is given', async () => {
    const made = await asAdmin('POST', 'users', { name: 'Ines', role: 'instructor' });
    expect(made).toMatchObject({ status: 201, body: { role: 'instructor' } });
  });

  it('without a password lets nobody in', async () => {
    const email = anAddress();
    expect((await asAdmin('POST', 'users', { email, name: 'Cleo' })).status).toBe(201);
    for (const password of ['', 'null', 'undefined']) {
      expect(await logIn({ email, password })).toMatchObject(refused(401, 'wrong-credentials'));
    }
  });

  it.each([
    ['an address that is taken', () => ({ email: root.email }), 409, 'email-taken'],
    ['a role that there is not', () => ({ role: 'owner' }), 400, 'invalid-input'],
    ['a password that is too short', () => ({ password: 'short' }), 400, 'invalid-input'],
    ['a field that is not known', () => ({ emailVerified: true }), 400, 'invalid-input'],
  ])('is refused with %s', async (_what, over, status, code) => {
    expect(await asAdmin('POST', 'users', { name: 'Cleo', ...over() })).toMatchObject(refused(status, code));
  });
});

describe('an account that an admin changes', () => {
  it('has another address, under which its person logs in', async () => {
    const ann = await someone();
    const email = anAddress();
    expect(await asAdmin('PATCH', `users/${ann.id}`, { email })).toMatchObject({ status: 200, body: { email } });
    expect(await logIn({ email, password: ann.password })).toMatchObject({ status: 200 });
    expect(await logIn({ email: ann.email, password: ann.password })).toMatchObject({ status: 401 });
    const body = { email: ann.email, name: 'Another', password: 'correct horse' };
    expect((await call(parley.url, 'POST', 'auth/register', { body })).status).toBe(201);
  });

  it('can be without an address', async () => {
    const ann = await someone();
    expect(await asAdmin('PATCH', `users/${ann.id}`, { email: null })).toMatchObject({ body: { email: null } });
    expect((await asAdmin('GET', `users/${ann.id}`)).body.account.email).toBeNull();
  });

  it('has another password, and no sessions', async () => {
    const ann = await someone();
    expect((await asAdmin('PATCH', `users/${ann.id}`, { password: 'battery staple' })).status).toBe(200);
    expect(await ann.get('auth/me')).toMatchObject({ status: 401 });
    expect(await logIn({ email: ann.email, password: ann.password })).toMatchObject({ status: 401 });
    expect(await logIn({ email: ann.email, password: 'battery staple' })).toMatchObject({ status: 200 });
  });

  it('has another role at once, in the sessions that are there', async () => {
    const ann = await someone();
    expect(await ann.get('users')).toMatchObject(refused(403, 'forbidden'));
    expect((await asAdmin('PUT', `users/${ann.id}/role`, { role: 'admin' })).status).toBe(200);
    expect((await ann.get('users')).status).toBe(200);
    expect((await asAdmin('PUT', `users/${ann.id}/role`, { role: 'member' })).status).toBe(200);
    expect(await ann.get('users')).toMatchObject(refused(403, 'forbidden'));
  });

  it('can not be one’s own, of its role', async () => {
    const { id } = (await asAdmin('GET', 'users/me')).body;
    expect(await asAdmin('PUT', `users/${id}/role`, { role: 'member' })).toMatchObject(refused(403, 'forbidden'));
  });

  it('is refused what is another’s', async () => {
    const [ann, bob] = [await someone(), await someone('Bob')];
    expect(await asAdmin('PATCH', `users/${ann.id}`, { email: bob.email })).toMatchObject(refused(409, 'email-taken'));
    const { username } = (await bob.get('users/me')).body;
    expect(await asAdmin('PATCH', `users/${ann.id}`, { username })).toMatchObject(refused(409, 'username-taken'));
  });
});

describe('a deactivated account', () => {
  it('is shut at once, tells so to who knows the password, and opens again', async () => {
    const ann = await someone();
    const { email, password } = ann;
    expect((await asAdmin('POST', `users/${ann.id}/deactivate`, { reason: 'spam' })).status).toBe(200);
    expect(await ann.get('auth/me')).toMatchObject(refused(401, 'unauthenticated'));
    expect(await logIn({ email, password })).toMatchObject(refused(403, 'account-deactivated'));
    expect(await logIn({ email, password: 'wrong' })).toMatchObject(refused(401, 'wrong-credentials'));
    expect((await asAdmin('GET', `users/${ann.id}`)).body.account).toMatchObject({
      status: 'deactivated',
      deactivationReason: 'spam',
    });
    expect((await asAdmin('POST', `users/${ann.id}/reactivate`)).status).toBe(200);
    expect(await ann.get('auth/me')).toMatchObject({ status: 401 });
    expect(await logIn({ email, password })).toMatchObject({ status: 200 });
  });
});

describe('someone who is forgotten', () => {
  it('asks for it with the password, and frees the address and the user name', async () => {
    const ann = await someone();
    const { username } = (await ann.get('users/me')).body;
    expect(await ann.post('users/me/forget', { password: 'wrong' })).toMatchObject(refused(401, 'wrong-credentials'));
    expect((await ann.get('auth/me')).status).toBe(200);
    const forgotten = await ann.post('users/me/forget', { password: ann.password });
    expect(forgotten.status).toBe(200);
    expect(forgotten.headers.get('set-cookie')).toMatch(/Max-Age=0/);
    expect(await ann.get('auth/me')).toMatchObject({ status: 401 });
    expect(await logIn({ email: ann.email, password: ann.password })).toMatchObject(refused(401, 'wrong-credentials'));
    const body = { email: ann.email, name: 'Another', username, password: 'correct horse' };
    const again = await call(parley.url, 'POST', 'auth/register', { body });
    expect(again).toMatchObject({ status: 201, body: { user: { email: ann.email, username } } });
    expect(again.body.user.id).not.toBe(ann.id);
  });

  it('by an admin is no one any more, and can not come back', async () => {
    const ann = await someone();
    expect((await asAdmin('POST', `users/${ann.id}/forget`)).status).toBe(200);
    expect((await asAdmin('POST', `users/${ann.id}/forget`)).status).toBe(200);
    expect(await asAdmin('POST', `users/${ann.id}/reactivate`)).toMatchObject(refused(404, 'not-found'));
    expect(await asAdmin('PATCH', `users/${ann.id}`, { name: 'Back' })).toMatchObject(refused(404, 'not-found'));
    const { body } = await asAdmin('GET', `users/${ann.id}`);
    expect(JSON.stringify(body)).not.toContain(ann.email);
    expect(body.name ?? null).toBeNull();
  });
});

describe('one’s own profile', () => {
  it('is changed field by field; what is left out stays', async () => {
    const ann = await someone();
    const before = (await ann.get('users/me')).body;
    const changed = await as(ann, 'PATCH', 'users/me', { timeZone: 'Europe/Vienna', locale: 'de-AT' });
    expect(changed).toMatchObject({ status: 200, body: { name: 'Ann', timeZone: 'Europe/Vienna', locale: 'de-AT' } });
    await as(ann, 'PATCH', 'users/me', { name: 'Ann Lee', avatar: 'cat.png', locale: null });
    expect((await ann.get('users/me')).body).toEqual({
      ...before,
      name: 'Ann Lee',
      avatar: 'cat.png',
      timeZone: 'Europe/Vienna',
      locale: null,
    });
  });

  it('has one user name; the former one is free for others', async () => {
    const [ann, bob] = [await someone(), await someone('Bob')];
    const [first, second] = [aName(), aName()];
    expect((await as(ann, 'PATCH', 'users/me', { username: first })).body.username).toBe(first);
    expect(await as(bob, 'PATCH', 'users/me', { username: first.toUpperCase() })).toMatchObject(
      refused(409, 'username-taken'),
    );
    expect((await as(ann, 'PATCH', 'users/me', { username: second })).body.username).toBe(second);
    expect((await as(bob, 'PATCH', 'users/me', { username: first })).body.username).toBe(first);
    expect(await logIn({ username: second, password: ann.password })).toMatchObject({ body: { user: { id: ann.id } } });
  });

  it.each([{ email: 'a@example.org' }, { role: 'admin' }, { password: 'battery staple' }, { id: 'x' }])(
    'is nothing to change %o by',
    async (body) => {
      expect(await as(await someone(), 'PATCH', 'users/me', body)).toMatchObject(refused(400, 'invalid-input'));
    },
  );
});

describe('one’s own settings', () => {
  it('are any JSON object, replaced as a whole', async () => {
    const ann = await someone();
    expect((await ann.get('users/me/settings')).body).toEqual({});
    const settings = { theme: 'dark', panes: [{ open: true, width: 0.25 }], note: null };
    const { status, body } = await as(ann, 'PUT', 'users/me/settings', settings);
    expect({ status, settings: body.settings }).toEqual({ status: 200, settings });
    expect((await ann.get('users/me/settings')).body).toEqual(settings);
    await as(ann, 'PUT', 'users/me/settings', {});
    expect((await ann.get('users/me/settings')).body).toEqual({});
  });

  it.each([[[]], ['text'], [{ text: 'a'.repeat(32_768) }]])('are not %o', async (settings) => {
    const ann = await someone();
    expect(await as(ann, 'PUT', 'users/me/settings', settings)).toMatchObject(refused(400, 'invalid-input'));
  });
});
