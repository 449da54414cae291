import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestPerson } from '../fixtures/api-client.js';
import { startTestParley, type TestParley } from '../fixtures/parley.js';

let parley: TestParley;
let ann: TestPerson;
let bob: TestPerson;
let cleo: TestPerson;
beforeAll(async () => {
  parley = await startTestParley();
  [ann, bob, cleo] = await Promise.all([
    TestPerson.register(parley.url, 'Ann'),
    TestPerson.register(parley.url, 'Bob'),
    TestPerson.register(parley.url, 'Cleo'),
  ]);
});
afterAll(() => parley.close());

async function createChannel(over: object = {}): Promise<string> {
  return (await ann.post('channels', { name: 'General', ...over })).body.id;
}

const textsOf = ({ body }: { body: { items: { text: string | null }[] } }) => body.items.map(({ text }) => text);

describe('a channel', () => {
  it('is created public and with its whole history, its creator its owner', async () => {
    const { status, body } = await ann.post('channels', { name: ' General ' });
    expect(status).toBe(201);
    expect(body).toEqual({
      id: expect.any(String),
      stream: `channel-${body.id}`,
      revision: 1,
      position: expect.any(String),
      name: 'General',
      kind: 'public',
      history: 'all',
      createdBy: ann.id,
    });
    expect((await ann.get(`channels/${body.id}/members`)).body).toEqual({
      items: [
        {
          id: ann.id,
          name: 'Ann',
          username: expect.any(String),
          avatar: null,
          role: 'owner',
          joinedAt: expect.any(String),
        },
      ],
      next: null,
    });
  });

  it('that is public is seen by everyone, its messages and members by members only', async () => {
    const id = await createChannel();
    const { status, headers, body } = await bob.get(`channels/${id}`, await positionOf(id));
    expect(status).toBe(200);
    expect(body).toMatchObject({ id, name: 'General', memberCount: 1, isMember: false, revision: 1 });
    expect(headers.get('etag')).toBe('"1"');
    for (const part of ['messages', 'members']) {
      expect(await bob.get(`channels/${id}/${part}`)).toMatchObject({ status: 403, body: { code: 'not-a-member' } });
    }
    const posting = await bob.post(`channels/${id}/messages`, { text: 'hello' });
    expect(posting).toMatchObject({ status: 403, body: { code: 'not-a-member' } });
  });

  it('that is private is not found by others, whatever they ask', async () => {
    const id = await createChannel({ kind: 'private' });
    const answers = await Promise.all([
      bob.get(`channels/${id}`),
      bob.get(`channels/${id}/messages`),
      bob.get(`channels/${id}/members`),
      bob.post(`channels/${id}/messages`, { text: 'hello' }),
      bob.post(`channels/${id}/join`),
      bob.post(`channels/${id}/leave`),
      bob.post(`channels/${id}/members`, { personId: bob.id }),
      bob.delete(`channels/${id}/members/${ann.id}`),
      bob.delete(`channels/${id}/messages/1`),
    ]);
    const nowhere = await bob.get('channels/01890000-0000-7000-8000-000000000000');
    for (const answer of answers) expect(answer).toMatchObject({ status: 404, body: nowhere.body });
  });

  it('that is private takes in whom a moderator adds', async () => {
    const id = await createChannel({ kind: 'private' });
    expect((await ann.post(`channels/${id}/members`, { personId: bob.id })).status).toBe(200);
    expect((await bob.post(`channels/${id}/messages`, { text: 'hello' })).status).toBe(201);
    expect(await bob.post(`channels/${id}/members`, { personId: cleo.id })).toMatchObject({
      body: { code: 'forbidden' },
    });
  });

  it('keeps an owner while it has others', async () => {
    const id = await createChannel();
    await bob.post(`channels/${id}/join`);
    expect(await ann.post(`channels/${id}/leave`)).toMatchObject({ status: 409, body: { code: 'last-owner' } });
    await bob.post(`channels/${id}/leave`);
    expect((await ann.post(`channels/${id}/leave`)).status).toBe(200);
  });

  it.each([
    ['no name', { name: '' }, 'name'],
    ['a name of 81 characters', { name: 'a'.repeat(81) }, 'name'],
    ['another kind', { kind: 'secret' }, 'kind'],
    ['a field that is not known', { members: [] }, 'members'],
  ])('is refused with %s', async (_what, over, field) => {
    const { status, body } = await ann.post('channels', { name: 'General', ...over });
    expect({ status, fields: body.errors.map((error: { field: string }) => error.field) }).toEqual({
      status: 400,
      fields: [field],
    });
  });
});

/** So that somebody else's query waits for what Ann has done last. */
async function positionOf(channelId: string): Promise<Record<string, string>> {
  const { body } = await ann.post(`channels/${channelId}/join`);
  return { 'parley-position': body.position };
}

describe('the list of channels', () => {
  it('holds the public ones and one’s own, by name, in pages', async () => {
    const other = await startTestParley();
    try {
      const [dora, emil] = await Promise.all([
        TestPerson.register(other.url, 'Dora'),
        TestPerson.register(other.url, 'Emil'),
      ]);
      for (const name of ['delta', 'Beta', 'ümlaut', 'alpha']) await dora.post('channels', { name });
      for (const name of ['charlie', 'zulu', '😀']) await emil.post('channels', { name, kind: 'private' });
      const { body: hidden } = await dora.post('channels', { name: 'hidden', kind: 'private' });
      const seen: string[] = [];
      for (let next: string | null = ''; next !== null; ) {
        const { body } = await emil.get(`channels?limit=2${next && `&cursor=${next}`}`, {
          'parley-position': hidden.position,
        });
        seen.push(...body.items.map(({ name }: { name: string }) => name));
        next = body.next;
      }
      expect(seen).toEqual(['Beta', 'alpha', 'charlie', 'delta', 'zulu', 'ümlaut', '😀']);
    } finally {
      await other.close();
    }
  });
});

describe('a message', () => {
  it('is posted by a member, and listed with its author, the newest first', async () => {
    const id = await createChannel();
    await bob.post(`channels/${id}/join`);
    await ann.post(`channels/${id}/messages`, { text: ' one ' });
    const { status, body } = await bob.post(`channels/${id}/messages`, { text: 'waves', kind: 'action' });
    expect(status).toBe(201);
    expect(body).toEqual({
      id: expect.any(String),
      stream: `channel-${id}`,
      revision: 4,
      position: expect.any(String),
      channelId: id,
      authorId: bob.id,
      kind: 'action',
      text: 'waves',
      postedAt: expect.any(String),
    });
    const listed = await bob.get(`channels/${id}/messages`);
    expect(listed.body.next).toBeNull();
    expect(listed.body.items).toEqual([
      {
        revision: 4,
        channelId: id,
        author: { id: bob.id, name: 'Bob', username: expect.any(String), avatar: null },
        kind: 'action',
        text: 'waves',
        postedAt: body.postedAt,
        deleted: false,
      },
      expect.objectContaining({ revision: 3, text: 'one' }),
    ]);
  });

  it('comes in pages that neither repeat nor leave out, while others are posted', async () => {
    const id = await createChannel();
    for (let number = 0; number < 7; number += 1) await ann.post(`channels/${id}/messages`, { text: `m${number}` });
    const first = await ann.get(`channels/${id}/messages?limit=3`);
    await ann.post(`channels/${id}/messages`, { text: 'late' });
    const second = await ann.get(`channels/${id}/messages?limit=3&cursor=${first.body.next}`);
    const third = await ann.get(`channels/${id}/messages?limit=3&cursor=${second.body.next}`);
    expect([first, second, third].map(textsOf)).toEqual([['m6', 'm5', 'm4'], ['m3', 'm2', 'm1'], ['m0']]);
    expect(third.body.next).toBeNull();
  });

  it('is deleted by its author or a moderator, and then shown as deleted, without its text', async () => {
    const id = await createChannel();
    await bob.post(`channels/${id}/join`);
    await cleo.post(`channels/${id}/join`);
    const { body: posted } = await bob.post(`channels/${id}/messages`, { text: 'oops' });
    const path = `channels/${id}/messages/${posted.revision}`;
    expect(await cleo.delete(path)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    const deleted = await bob.delete(path);
    expect(deleted).toMatchObject({ status: 200, body: { id, revision: posted.revision + 1 } });
    expect(await ann.delete(path)).toMatchObject({ status: 200, body: { revision: posted.revision + 1 } });
    const { body } = await bob.get(`channels/${id}/messages`);
    expect(body.items).toEqual([expect.objectContaining({ revision: posted.revision, text: null, deleted: true })]);
  });

  it.each([['0'], ['99'], ['-1'], ['1e0'], ['9999999999999']])(
    'number %s can not be deleted: there is none',
    async (n) => {
      const id = await createChannel();
      expect(await ann.delete(`channels/${id}/messages/${n}`)).toMatchObject({
        status: 404,
        body: { code: 'not-found' },
      });
    },
  );

  it('is not seen by those who have left, and what came before their return is', async () => {
    const id = await createChannel();
    const say = (text: string) => ann.post(`channels/${id}/messages`, { text });
    await say('before');
    await bob.post(`channels/${id}/join`);
    await say('with');
    await ann.delete(`channels/${id}/members/${bob.id}`);
    const { body: away } = await say('away');
    const gone = await bob.get(`channels/${id}/messages`, { 'parley-position': away.position });
    expect(gone).toMatchObject({ status: 403, body: { code: 'not-a-member' } });
    await bob.post(`channels/${id}/join`);
    const { body: last } = await say('back');
    const listed = await bob.get(`channels/${id}/messages`, { 'parley-position': last.position });
    expect(textsOf(listed)).toEqual(['back', 'with', 'before']);
    const inPages: (string | null)[] = [];
    for (let next: string | null = ''; next !== null; ) {
      const page = await bob.get(`channels/${id}/messages?limit=1${next && `&cursor=${next}`}`);
      inPages.push(...textsOf(page));
      next = page.body.next;
    }
    expect(inPages).toEqual(['back', 'with', 'before']);
  });

  it('of before they joined is not seen by members where the history is since they joined', async () => {
    const id = await createChannel({ history: 'since-joined' });
    await ann.post(`channels/${id}/messages`, { text: 'before' });
    await bob.post(`channels/${id}/join`);
    const { body } = await ann.post(`channels/${id}/messages`, { text: 'after' });
    expect(textsOf(await bob.get(`channels/${id}/messages`, { 'parley-position': body.position }))).toEqual(['after']);
  });

  it.each([
    ['no text', { text: '  ' }, 'text'],
    ['a text of 16,001 characters', { text: 'a'.repeat(16_001) }, 'text'],
    ['a text that is an array', { text: ['a'] }, 'text'],
    ['another author', { text: 'a', authorId: 'b' }, 'authorId'],
    ['the channel in the body', { text: 'a', channelId: '01890000-0000-7000-8000-000000000000' }, 'channelId'],
  ])('is refused with %s', async (_what, body, field) => {
    const answer = await ann.post(`channels/${await createChannel()}/messages`, body);
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid-input', errors: [{ field }] } });
  });

  it('keeps every character that it was posted with', async () => {
    const id = await createChannel();
    const text = 'a\u0001b \ud83d\ude00 \u202e <script> {{x}} \\" \u2028 z';
    await ann.post(`channels/${id}/messages`, { text });
    expect(textsOf(await ann.get(`channels/${id}/messages`))).toEqual([text]);
  });
});
