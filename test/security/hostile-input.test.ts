import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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
  'a'.repeat(200_000),
  ' '.repeat(200_000),
  `${'a'.repeat(50_000)}@${'a'.repeat(50_000)}`,
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
