import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestPerson } from '../fixtures/api-client.js';
import { startTestParley, type TestParley } from '../fixtures/parley.js';

let parley: TestParley;
let ann: TestPerson;
beforeAll(async () => {
  parley = await startTestParley();
  ann = await TestPerson.register(parley.url, 'Ann');
});
afterAll(() => parley.close());

const inHours = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();
const planned = (over: object = {}) => ({ title: 'Planning', startTime: inHours(1), endTime: inHours(2), ...over });

describe('calling a meeting', () => {
  it('answers with the meeting and where it was recorded', async () => {
    const given = planned({ title: '  Planning ', description: 'the year' });
    const { status, body } = await ann.post('meetings', given);
    expect(status).toBe(201);
    expect(body).toEqual({
      id: expect.any(String),
      stream: `meeting-${body.id}`,
      revision: 0,
      position: expect.stringMatching(/^\d+$/),
      title: 'Planning',
      description: 'the year',
      startTime: given.startTime,
      endTime: given.endTime,
      organiserId: ann.id,
    });
  });

  it('answers times in UTC', async () => {
    const { body } = await ann.post(
      'meetings',
      planned({ startTime: '2040-01-01T09:00:00+02:00', endTime: '2040-01-01T10:00:00+02:00' }),
    );
    expect(body.startTime).toBe('2040-01-01T07:00:00.000Z');
  });

  it('tells every required field where one is missing', async () => {
    const { status, body } = await ann.post('meetings', { title: 'Planning' });
    expect(status).toBe(400);
    expect(body).toMatchObject({
      type: '/api/v1/problems#invalid-input',
      title: 'The input is not valid.',
      status: 400,
      code: 'invalid-input',
      error: 'The input is not valid.',
      errors: [
        { field: 'startTime', message: 'is required' },
        { field: 'endTime', message: 'is required' },
      ],
      required: ['title', 'startTime', 'endTime'],
    });
    expect(body.detail).toContain('Required: title, startTime, endTime');
  });

  it.each([
    ['no title', { title: ' ' }, 'title'],
    ['a title of 101 characters', { title: 'a'.repeat(101) }, 'title'],
    ['a title that is a number', { title: 7 }, 'title'],
    ['a time without an offset', { startTime: '2040-01-01T09:00:00' }, 'startTime'],
    ['a day that does not exist', { startTime: '2041-02-29T09:00:00Z' }, 'startTime'],
    ['a start in the past', { startTime: inHours(-1) }, 'startTime'],
    ['an end that is the start', { endTime: '2040-01-01T09:00:00Z', startTime: '2040-01-01T09:00:00Z' }, 'endTime'],
    ['an end before the start', { endTime: inHours(0.5) }, 'endTime'],
    ['a field that is not known', { organiserId: 'me' }, 'organiserId'],
  ])('refuses %s', async (_what, over, field) => {
    const { status, body } = await ann.post('meetings', planned(over));
    expect(status).toBe(400);
    expect(body.errors.map((error: { field: string }) => error.field)).toContain(field);
  });

  it('has one effect for one Idempotency-Key, and none for another input under it', async () => {
    const given = planned();
    const key = { 'idempotency-key': 'once' };
    const [first, second] = await Promise.all([ann.post('meetings', given, key), ann.post('meetings', given, key)]);
    expect(second.body).toEqual(first.body);
    const reused = await ann.post('meetings', { ...given, title: 'Another' }, key);
    expect(reused).toMatchObject({ status: 422, body: { code: 'idempotency-key-reused' } });
  });

  it.each([['spaces in it'], ['ä'], ['x'.repeat(256)]])('refuses the Idempotency-Key %j', async (key) => {
    const answer = await ann.post('meetings', planned(), { 'idempotency-key': encodeHeader(key) });
    expect(answer).toMatchObject({ status: 400, body: { code: 'bad-request' } });
  });
});

/** As fetch takes headers: bytes. */
function encodeHeader(text: string): string {
  return Buffer.from(text).toString('latin1');
}

describe('a meeting', () => {
  it('is seen by whoever is logged in and knows its id', async () => {
    const bob = await TestPerson.register(parley.url, 'Bob');
    const { body: created } = await ann.post('meetings', planned());
    const { status, body } = await bob.get(`meetings/${created.id}`, { 'parley-position': created.position });
    const { stream: _, position: __, ...fields } = created;
    expect({ status, body }).toEqual({ status: 200, body: { ...fields, due: false, createdAt: expect.any(String) } });
  });

  it.each([['01890000-0000-7000-8000-000000000000'], ['nonsense'], ['%00'], ['..%2f..%2fetc']])(
    'is not found under the unknown id %s',
    async (id) => {
      expect(await ann.get(`meetings/${id}`)).toMatchObject({ status: 404, body: { code: 'not-found' } });
    },
  );
});

describe('the list of meetings', () => {
  it('holds one’s own, by start time, in pages', async () => {
    const cleo = await TestPerson.register(parley.url, 'Cleo');
    const titles = ['first', 'second', 'third', 'fourth', 'fifth'];
    for (const index of [3, 0, 4, 1, 2]) {
      await cleo.post(
        'meetings',
        planned({ title: titles[index], startTime: inHours(index + 1), endTime: inHours(9) }),
      );
    }
    const seen: string[] = [];
    let cursor = '';
    for (let pages = 0; pages < 3; pages += 1) {
      const { body } = await cleo.get(`meetings?limit=2${cursor}`);
      seen.push(...body.items.map(({ title }: { title: string }) => title));
      cursor = `&cursor=${body.next}`;
      if (pages === 2) expect(body.next).toBeNull();
    }
    expect(seen).toEqual(titles);
  });

  it.each([
    ['limit=0', 'invalid-input'],
    ['limit=201', 'invalid-input'],
    ['limit=many', 'invalid-input'],
    ['limit=1&limit=2', 'invalid-input'],
    ['page=2', 'invalid-input'],
    ['cursor=%25', 'bad-cursor'],
    ['cursor=bnVsbA', 'bad-cursor'],
    [`cursor=${Buffer.from('["tomorrow",1]').toString('base64url')}`, 'bad-cursor'],
    [`cursor=${Buffer.from('{"__proto__":1}').toString('base64url')}`, 'bad-cursor'],
  ])('refuses ?%s', async (query, code) => {
    expect(await ann.get(`meetings?${query}`)).toMatchObject({ status: 400, body: { code } });
  });
});
