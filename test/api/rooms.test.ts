import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestPerson } from '../fixtures/api-client.js';
import { startTestParley, type TestParley } from '../fixtures/parley.js';

let parley: TestParley;
let ann: TestPerson;
let bob: TestPerson;
beforeAll(async () => {
  parley = await startTestParley();
  [ann, bob] = await Promise.all([TestPerson.register(parley.url, 'Ann'), TestPerson.register(parley.url, 'Bob')]);
});
afterAll(() => parley.close());

async function createRoom(): Promise<string> {
  return (await ann.post('rooms', { name: 'Lounge' })).body.id;
}

describe('a room', () => {
  it('is created under 16 hex digits', async () => {
    const { status, body } = await ann.post('rooms', { name: 'Lounge' });
    expect({ status, body }).toEqual({
      status: 201,
      body: {
        id: expect.stringMatching(/^[0-9a-f]{16}$/),
        stream: `room-${body.id}`,
        revision: 0,
        position: expect.any(String),
        name: 'Lounge',
        createdBy: ann.id,
      },
    });
  });

  it('needs no name, nor a body', async () => {
    expect(await ann.post('rooms')).toMatchObject({ status: 201, body: { name: null } });
  });

  it('shows who is in it, with names', async () => {
    const id = await createRoom();
    await ann.post(`rooms/${id}/join`);
    const { body: joined } = await bob.post(`rooms/${id}/join`);
    expect(joined).toMatchObject({ id, stream: `room-${id}`, revision: 2 });
    await ann.post(`rooms/${id}/leave`);
    const { body } = await ann.get(`rooms/${id}`);
    expect(body).toMatchObject({ id, name: 'Lounge', createdBy: ann.id, revision: 3 });
    expect(body.participants).toEqual([
      { id: bob.id, name: 'Bob', username: expect.any(String), avatar: null, joinedAt: expect.any(String) },
    ]);
  });

  it('is entered once, however often one asks', async () => {
    const id = await createRoom();
    const first = await bob.post(`rooms/${id}/join`);
    const again = await bob.post(`rooms/${id}/join`);
    expect(again).toMatchObject({ status: 200, body: { revision: first.body.revision } });
  });

  it.each([['join'], ['leave']])('that there is not can not be had: %s', async (action) => {
    const answer = await ann.post(`rooms/0123456789abcdef/${action}`);
    expect(answer).toMatchObject({ status: 404, body: { code: 'not-found' } });
    expect(await ann.post(`rooms/nonsense/${action}`)).toMatchObject({ status: 404, body: { code: 'not-found' } });
  });

  it('refuses the id of the path in the body', async () => {
    const id = await createRoom();
    const answer = await ann.post(`rooms/${id}/join`, { roomId: '0123456789abcdef' });
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ field: 'roomId', message: 'is not known' }] } });
  });
});

describe('the version of a room', () => {
  it('is its ETag, and a caller who has it is sent nothing', async () => {
    const id = await createRoom();
    const { headers } = await ann.get(`rooms/${id}`);
    expect(headers.get('etag')).toBe('"0"');
    for (const known of ['"0"', 'W/"0"', '"7", "0"', '*']) {
      const answer = await ann.get(`rooms/${id}`, { 'if-none-match': known });
      expect(answer).toMatchObject({ status: 304, body: '' });
    }
    expect((await ann.get(`rooms/${id}`, { 'if-none-match': '"1"' })).status).toBe(200);
  });

  it('lets a command through that names it, and no other', async () => {
    const id = await createRoom();
    await bob.post(`rooms/${id}/join`);
    const stale = await ann.post(`rooms/${id}/join`, undefined, { 'if-match': '"0"' });
    expect(stale).toMatchObject({ status: 412, body: { code: 'stale-version' } });
    const weak = await ann.post(`rooms/${id}/join`, undefined, { 'if-match': 'W/"1"' });
    expect(weak.status).toBe(412);
    const malformed = await ann.post(`rooms/${id}/join`, undefined, { 'if-match': '1' });
    expect(malformed).toMatchObject({ status: 400, body: { code: 'bad-request' } });
    const current = await ann.post(`rooms/${id}/join`, undefined, { 'if-match': '"0", "1"' });
    expect(current.status).toBe(200);
    expect((await ann.post(`rooms/${id}/leave`, undefined, { 'if-match': '*' })).status).toBe(200);
  });
});
