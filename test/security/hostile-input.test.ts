import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { openSqliteEventStore } from '../../src/event-store/sqlite.js';
import { RawSocket } from '../edge/raw-socket.js';
import { call, TestPerson } from '../fixtures/api-client.js';
import { startTestParley, type TestParley } from '../fixtures/parley.js';

let parley: TestParley;
let ann: TestPerson;
beforeAll(async () => {
  parley = await startTestParley();
  ann = await TestPerson.register(parley.url, 'Ann');
});
afterAll(() => parley.close());

const hostile: readonly unknown[] = [
  { $ne: null },
  { $gt: '' },
  { toString: 'x' },
  ['a'],
  [[['a']]],
  null,
  true,
  -1,
  1e308,
  '',
  '\u0000',
  '\ud800',
  "' OR 1=1 --",
  '../../../etc/passwd',
  'a'.repeat(50_000),
  ' '.repeat(50_000),
  `${'a'.repeat(20_000)}@${'a'.repeat(20_000)}`,
];

interface Field {
  readonly method: string;
  readonly path: string;
  readonly field: string;
  readonly place: 'body' | 'query' | 'path';
}

/** Every field that the API's own description names. */
async function fields(): Promise<Field[]> {
  const { body } = await call(parley.url, 'GET', 'openapi.json');
  const found: Field[] = [];
  // biome-ignore lint/suspicious/noExplicitAny: OpenAPI, as it comes
  for (const [path, methods] of Object.entries<any>(body.paths)) {
    // biome-ignore lint/suspicious/noExplicitAny: OpenAPI, as it comes
    for (const [method, operation] of Object.entries<any>(methods)) {
      const properties = operation.requestBody?.content['application/json'].schema.properties ?? {};
      for (const field of Object.keys(properties)) found.push({ method, path, field, place: 'body' });
      for (const parameter of operation.parameters) {
        if (parameter.in !== 'header') found.push({ method, path, field: parameter.name, place: parameter.in });
      }
    }
  }
  return found;
}

function send({ method, path, field, place }: Field, value: unknown) {
  const text = encodeURIComponent(
    typeof value === 'string' ? value.replace('\ud800', '').slice(0, 5_000) : JSON.stringify(value),
  );
  const url = path
    .replace(`{${field}}`, place === 'path' ? text : '')
    .replaceAll(/\{\w+\}/g, '01890000-0000-7000-8000-000000000000');
  return call(parley.url, method.toUpperCase(), place === 'query' ? `${url}?${field}=${text}` : url, {
    token: ann.token,
    ...(place === 'body' && { body: { [field]: value } }),
  });
}

describe('whatever a field holds', () => {
  it('is answered without a fault of ours, as JSON, and the process goes on', async () => {
    const all = await fields();
    expect(all.length).toBeGreaterThan(25);
    for (const field of all) {
      for (const value of hostile) {
        const { status, headers } = await send(field, value);
        const shown = JSON.stringify(value)?.slice(0, 40);
        expect({ field, shown, fault: status >= 500, type: headers.get('content-type') }).toEqual({
          field,
          shown,
          fault: false,
          type: expect.stringMatching(/^application\/(problem\+)?json/),
        });
      }
    }
    expect((await call(parley.url, 'GET', '/health')).body).toEqual({ status: 'ok', faults: {} });
  });
});

interface Form {
  readonly method: string;
  readonly path: string;
  /** Each field of its body, with what the API says that it may hold. */
  readonly fields: Readonly<Record<string, z.ZodType>>;
}

type JsonSchema = Parameters<typeof z.fromJSONSchema>[0] & object & { pattern?: string };

/** Patterns are read as Unicode, which JSON Schema asks for (2020-12, 6.4). */
function schemaOf({ pattern, ...schema }: JsonSchema): z.ZodType {
  const fits = pattern === undefined ? () => true : (text: unknown) => new RegExp(pattern, 'u').test(String(text));
  return z.fromJSONSchema(schema as JsonSchema).refine(fits);
}

const samples = ['01890000-0000-7000-8000-000000000000', '0123456789abcdef', 7];

/** Every route with a body, its path filled in with ids of the right form. */
async function forms(): Promise<Form[]> {
  const { body } = await call(parley.url, 'GET', 'openapi.json');
  // biome-ignore lint/suspicious/noExplicitAny: OpenAPI, as it comes
  const routes = Object.entries<any>(body.paths).flatMap(([path, methods]) =>
    // biome-ignore lint/suspicious/noExplicitAny: OpenAPI, as it comes
    Object.entries<any>(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
  return (
    routes
      // Settings take fields of any name.
      .filter(({ operation }) => operation.requestBody?.content['application/json'].schema.properties)
      .map(({ path, method, operation }) => {
        const { properties } = operation.requestBody.content['application/json'].schema;
        const fields = Object.entries(properties).map(([name, schema]) => [name, schemaOf(schema as JsonSchema)]);
        const filled = path.replaceAll(/\{(\w+)\}/g, (_, name) => {
          const { schema } = operation.parameters.find((parameter: { name: string }) => parameter.name === name);
          const given = schemaOf(schema);
          return String(samples.find((sample) => given.safeParse(sample).success));
        });
        return { path: filled, method, fields: Object.fromEntries(fields) };
      })
  );
}

/** Also where spaces around it make the difference: they may be cut off. */
function mayHold(schema: z.ZodType, value: unknown): boolean {
  return [value, typeof value === 'string' ? value.trim() : value].some((one) => schema.safeParse(one).success);
}

/** Neither can be stored and read again, so no field may hold it, whatever else it may hold. */
const noText: readonly unknown[] = ['a\u0000', '\ud800a', 'a\udc00', ['\u0000'], { a: '\ud800' }, { '\u0000': 1 }];
const nested = JSON.parse('['.repeat(100) + ']'.repeat(100));

async function fill({ method, path }: Form, body: unknown) {
  const raw = typeof body === 'string' ? body : JSON.stringify(body);
  return call(parley.url, method, path, { token: ann.token, raw });
}

/** Names of the fields that an answer finds fault with. */
function named({ body }: { body: { errors?: { field: string }[] } }): string[] {
  return [...new Set(body.errors?.map(({ field }) => field.split('.')[0] as string))].sort();
}

async function head(): Promise<bigint> {
  const log = await openSqliteEventStore(join(parley.dataDirectory, 'events.db'));
  try {
    return await log.head();
  } finally {
    await log.close();
  }
}

describe('every form', () => {
  let all: readonly Form[];
  let before: bigint;
  beforeAll(async () => {
    all = await forms();
    expect(all.length).toBeGreaterThan(7);
    before = await head();
  });
  // Whatever it was sent, nothing came of it.
  afterAll(async () => expect(await head()).toBe(before));

  it.each([...hostile, ...noText, nested].map((value) => [JSON.stringify(value).slice(0, 40), value]))(
    'names each field that may not hold what it holds: %s',
    async (_shown, value) => {
      const broken = noText.includes(value) || value === nested;
      for (const form of all) {
        const faulty = Object.entries(form.fields).filter(([, schema]) => broken || !mayHold(schema, value));
        if (faulty.length === 0) continue;
        const names = faulty.map(([name]) => name).sort();
        const answer = await fill(form, Object.fromEntries(names.map((name) => [name, value])));
        expect({ path: form.path, status: answer.status, code: answer.body.code }).toEqual({
          path: form.path,
          status: 400,
          code: 'invalid-input',
        });
        expect({ path: form.path, named: named(answer) }).toEqual({
          path: form.path,
          named: expect.arrayContaining(names),
        });
      }
    },
  );

  it.each([['constructor'], ['toString'], ['hasOwnProperty'], ['$where'], ['a.b'], ['']])(
    'refuses a field of another name: %j',
    async (name) => {
      for (const form of all) {
        const answer = await fill(form, { [name]: { $ne: null } });
        expect({ path: form.path, status: answer.status }).toEqual({ path: form.path, status: 400 });
        expect(answer.body.errors).toContainEqual({ field: name, message: 'is not known' });
      }
    },
  );

  it.each([
    ['__proto__', '{"__proto__":{"admin":true}}'],
    ['__proto__ inside', '{"name":{"__proto__":{"admin":true}}}'],
    ['__proto__, spelled otherwise', '{"\\u005f_proto__":{"admin":true}}'],
    ['a prototype', '{"constructor":{"prototype":{"admin":true}}}'],
    ['half of an object', '{"name":"x"'],
    ['two objects', '{}{}'],
    ['a comment', '{/* */}'],
    ['100,000 levels', '['.repeat(100_000) + ']'.repeat(100_000)],
    ['a list', '[]'],
    ['a text', '"x"'],
    ['null', 'null'],
  ])('refuses %s in place of its fields', async (_what, raw) => {
    for (const form of all) {
      expect({ path: form.path, status: (await fill(form, raw)).status }).toEqual({ path: form.path, status: 400 });
    }
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });

  it('refuses text that is not UTF-8', async () => {
    const { port } = new URL(parley.url);
    for (const { method, path } of all) {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
        method,
        headers: { authorization: `Bearer ${ann.token}`, 'content-type': 'application/json' },
        body: Buffer.concat([Buffer.from('{"name":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]),
      });
      expect({ path, status: answer.status }).toEqual({ path, status: 400 });
    }
  });

  it('of people about themselves names fields of a megabyte; all others refuse such a body', async () => {
    const megabyte = 'a'.repeat(1024 * 1024);
    for (const form of all) {
      const names = Object.entries(form.fields)
        .filter(([, schema]) => !schema.safeParse(megabyte).success)
        .map(([name]) => name);
      if (names.length === 0) continue;
      const answer = await fill(form, { [names[0] as string]: megabyte });
      const isOwn = /\/(auth|users)\b/.test(form.path);
      expect({ path: form.path, status: answer.status }).toEqual({ path: form.path, status: isOwn ? 400 : 413 });
      if (isOwn) expect(named(answer)).toContain(names[0]);
    }
  });
});

describe('a command over a socket', () => {
  it.each([['a\u0000'], ['\ud800']])('is refused with text that is none: %j', async (text) => {
    const { body: channel } = await ann.post('channels', { name: 'General' });
    const socket = await RawSocket.as(Number(new URL(parley.edgeUrl).port), ann.token);
    const input = { channelId: channel.id, text };
    socket.send({ op: 'command', id: '1', type: 'conversations.PostMessage', input });
    const errors = [{ field: expect.any(String), message: expect.stringContaining('NUL') }];
    expect(await socket.next('error')).toMatchObject({ problem: { code: 'invalid-input', errors } });
    socket.close();
  });
});
