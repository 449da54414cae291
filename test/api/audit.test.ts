import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, call, TestPerson } from '../fixtures/api-client.js';
import { startTestParley, type TestParley } from '../fixtures/parley.js';

const root = { email: 'root@example.org', password: 'correct horse' };
const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';

let parley: TestParley;
let admin: string;
let adminId: string;
beforeAll(async () => {
  parley = await startTestParley({ PARLEY_ADMIN_EMAIL: root.email, PARLEY_ADMIN_PASSWORD: root.password });
  const { body } = await call(parley.url, 'POST', 'auth/login', { body: root, headers: { 'user-agent': firefox } });
  admin = body.accessToken;
  adminId = body.user.id;
});
afterAll(() => parley.close());

/** Asks as the admin, reading everything up to an answer before. */
const audit = (query = '', before?: Answer) =>
  call(parley.url, 'GET', `audit${query}`, {
    token: admin,
    headers: { 'parley-position': before?.headers.get('parley-position') ?? '0' },
  });
const typesIn = ({ body }: Answer) => body.items.map(({ type }: { type: string }) => type.split('.')[1]);

describe('the audit', () => {
  it('tells who did what to whom and from where, the latest first', async () => {
    const ann = await TestPerson.register(parley.url, 'Ann');
    const assigned = await call(parley.url, 'PUT', `users/${ann.id}/role`, { token: admin, body: { role: 'analyst' } });
    const { body } = await audit('', assigned);
    const [latest] = body.items;
    expect(latest).toMatchObject({
      type: 'identity.RoleAssigned',
      actor: { id: adminId, username: expect.any(String) },
      person: { id: ann.id, name: 'Ann' },
      details: { role: 'analyst' },
      address: '127.0.0.1',
      device: 'Firefox on Linux',
    });
    expect(body.items.map(({ occurredAt }: { occurredAt: string }) => occurredAt)).toEqual(
      body.items
        .map(({ occurredAt }: { occurredAt: string }) => occurredAt)
        .toSorted()
        .reverse(),
    );
  });

  it('shows from where someone tried to log in as somebody', async () => {
    const ann = await TestPerson.register(parley.url, 'Ann');
    await call(parley.url, 'POST', 'auth/login', { body: { email: ann.email, password: 'a wrong password' } });
    const after = await ann.post('rooms');
    const { body } = await audit(`?type=identity.SignInFailed&person=${ann.id}`, after);
    expect(body.items).toMatchObject([{ person: { id: ann.id, name: 'Ann' }, address: '127.0.0.1', device: null }]);
  });

  it('tells of messages that others deleted, and whose they were', async () => {
    const [ann, bob] = [await TestPerson.register(parley.url, 'Ann'), await TestPerson.register(parley.url, 'Bob')];
    const { id } = (await ann.post('channels', { name: 'audited' })).body;
    await bob.post(`channels/${id}/join`);
    for (const text of ['one', 'two']) await bob.post(`channels/${id}/messages`, { text });
    await bob.delete(`channels/${id}/messages/3`);
    const deleted = await ann.delete(`channels/${id}/messages/4`);
    expect((await audit('?type=conversations.MessageDeleted', deleted)).body.items).toMatchObject([
      { actor: { id: ann.id }, person: { id: bob.id, name: 'Bob' }, details: { messageRevision: 4 } },
    ]);
  });

  it('can be asked for what someone did, what was done to someone, and for a stretch of time', async () => {
    const ann = await TestPerson.register(parley.url, 'Ann');
    const renamed = await call(parley.url, 'PATCH', 'users/me', { token: ann.token, body: { name: 'Anna' } });
    const toAnn = await audit(`?person=${ann.id}`, renamed);
    expect(typesIn(toAnn)).toEqual(expect.arrayContaining(['AccountRegistered', 'ProfileCreated', 'SessionBegan']));
    expect(typesIn(toAnn)[0]).toBe('ProfileChanged');
    expect(typesIn(await audit(`?actor=${ann.id}`))).toEqual(['ProfileChanged', 'SessionBegan']);
    const [last, first] = [toAnn.body.items[0], toAnn.body.items.at(-1)];
    const between = typesIn(await audit(`?person=${ann.id}&from=${first.occurredAt}&to=${last.occurredAt}`));
    expect(between).toContain('AccountRegistered');
    expect(between).not.toContain('ProfileChanged');
    expect(typesIn(await audit(`?person=${ann.id}&from=${last.occurredAt}`))).toEqual(['ProfileChanged']);
  });

  it('comes in pages that hold each deed once', async () => {
    const whole = (await audit('?limit=200')).body;
    const positions: string[] = [];
    for (let cursor = ''; ; ) {
      const { body } = await audit(`?limit=3${cursor}`);
      positions.push(...body.items.map(({ position }: { position: string }) => position));
      if (body.next === null) break;
      cursor = `&cursor=${body.next}`;
    }
    expect(whole.next).toBeNull();
    expect(positions).toEqual(whole.items.map(({ position }: { position: string }) => position));
    expect(positions.length).toBeGreaterThan(10);
  });

  it.each([['?actor=someone'], ['?person=system'], ['?type=identity.Nonsense'], ['?from=yesterday'], ['?cursor=x']])(
    'refuses what can not be asked: %s',
    async (query) => {
      expect((await audit(query)).status).toBe(400);
    },
  );
});
