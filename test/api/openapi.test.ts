import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { declaredRoutes } from '../../src/api/route.js';
import { call, TestPerson } from '../fixtures/api-client.js';
import { startTestParley, type TestParley } from '../fixtures/parley.js';

let parley: TestParley;
// biome-ignore lint/suspicious/noExplicitAny: what a test asks of the document, it looks at
let document: any;
beforeAll(async () => {
  parley = await startTestParley();
  document = (await call(parley.url, 'GET', 'openapi.json')).body;
});
afterAll(() => parley.close());

interface Operation {
  readonly path: string;
  readonly method: string;
  readonly operationId: string;
  readonly security: object[];
  readonly parameters: { name: string; in: string; required?: boolean; schema: object }[];
  readonly requestBody?: { content: Record<string, { schema: object }> };
  readonly responses: Record<string, { content?: Record<string, { schema: object }> }>;
}

const identityRoutes = [
  ...['register', 'login', 'refresh', 'logout', 'logout-all', 'ws-ticket', 'verify-email', 'verify-email/resend'],
  ...['forgot-password', 'reset-password', 'change-password', 'change-email'],
  ...['mfa/login', 'mfa/totp', 'mfa/totp/confirm', 'mfa/recovery-codes'],
]
  .map((path) => `POST /api/v1/auth/${path}`)
  .concat(
    ['me', 'sessions', 'mfa'].map((path) => `GET /api/v1/auth/${path}`),
    ['sessions/{sessionId}', 'mfa/totp'].map((path) => `DELETE /api/v1/auth/${path}`),
    ['', '/me', '/me/settings', '/me/sessions', '/{personId}', '/{personId}/sessions'].map(
      (path) => `GET /api/v1/users${path}`,
    ),
    ['', '/me/forget', '/{personId}/deactivate', '/{personId}/reactivate', '/{personId}/forget'].map(
      (path) => `POST /api/v1/users${path}`,
    ),
    ['/me', '/{personId}'].map((path) => `PATCH /api/v1/users${path}`),
    ['/me/settings', '/{personId}/role'].map((path) => `PUT /api/v1/users${path}`),
    'DELETE /api/v1/users/{personId}/sessions',
  );

function operations(): Operation[] {
  return Object.entries(document.paths as Record<string, Record<string, Omit<Operation, 'path' | 'method'>>>).flatMap(
    ([path, methods]) => Object.entries(methods).map(([method, operation]) => ({ path, method, ...operation })),
  );
}

describe('the description of the API', () => {
  it('is of OpenAPI 3.1', () => {
    expect(document.openapi).toBe('3.1.0');
    expect(document.info).toMatchObject({ title: 'Parley', version: expect.any(String) });
  });

  it('holds every route', () => {
    expect(
      operations()
        .map(({ method, path }) => `${method.toUpperCase()} ${path}`)
        .sort(),
    ).toEqual(
      [
        ...identityRoutes,
        'GET /api/v1/audit',
        'GET /api/v1/address-rules',
        'POST /api/v1/address-rules',
        'DELETE /api/v1/address-rules/{ruleId}',
        'POST /api/v1/meetings',
        'GET /api/v1/meetings',
        'GET /api/v1/meetings/{meetingId}',
        'POST /api/v1/rooms',
        'GET /api/v1/rooms/{roomId}',
        'POST /api/v1/rooms/{roomId}/join',
        'POST /api/v1/rooms/{roomId}/leave',
        'POST /api/v1/channels',
        'GET /api/v1/channels',
        'GET /api/v1/channels/{channelId}',
        'POST /api/v1/channels/{channelId}/join',
        'POST /api/v1/channels/{channelId}/leave',
        'GET /api/v1/channels/{channelId}/members',
        'POST /api/v1/channels/{channelId}/members',
        'DELETE /api/v1/channels/{channelId}/members/{personId}',
        'POST /api/v1/channels/{channelId}/messages',
        'GET /api/v1/channels/{channelId}/messages',
        'DELETE /api/v1/channels/{channelId}/messages/{messageRevision}',
      ].sort(),
    );
    expect(operations()).toHaveLength(declaredRoutes.length);
  });

  it('describes each parameter of each path, and schemas that can be read back', () => {
    for (const { path, parameters, requestBody, responses } of operations()) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      expect(parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name)).toEqual(inPath);
      const contents = [requestBody, ...Object.values(responses)].flatMap((part) => Object.values(part?.content ?? {}));
      for (const { schema } of contents) {
        if (!('$ref' in schema)) expect(() => z.fromJSONSchema(schema as never)).not.toThrow();
        else expect(schema.$ref).toBe('#/components/schemas/Problem');
      }
    }
  });

  it('names operations once', () => {
    const ids = operations().map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('says which routes need no token, and they do not, and the others do', async () => {
    for (const { method, path, security } of operations()) {
      const url = path.replaceAll(/\{\w+\}/g, '01890000-0000-7000-8000-000000000000');
      const { status } = await call(parley.url, method.toUpperCase(), url);
      expect([method, path, status === 401]).toEqual([method, path, security.length > 0]);
    }
  });

  it('is of the current version, which every route is also answered as without naming it', async () => {
    const ann = await TestPerson.register(parley.url, 'Ann');
    for (const { method, path } of operations()) {
      const url = path.replaceAll(/\{\w+\}/g, '01890000-0000-7000-8000-000000000000');
      // Nothing is given, so that both calls find the same.
      const [named, unnamed] = await Promise.all(
        [url, url.replace('/api/v1/', '/api/')].map((each) => call(parley.url, method.toUpperCase(), each)),
      );
      expect([method, path, unnamed?.status, unnamed?.body]).toEqual([method, path, named?.status, named?.body]);
    }
    for (const path of ['/api/auth/me', '/api/users/me', '/api/channels', '/api/auth/sessions']) {
      expect(await call(parley.url, 'GET', path, { token: ann.token })).toMatchObject({ status: 200 });
    }
    expect(await call(parley.url, 'POST', '/api/auth/logout')).toMatchObject({ status: 401 });
    expect(await call(parley.url, 'POST', '/api/auth/logout', { token: ann.token })).toMatchObject({ status: 204 });
  });

  it('says what is answered: every success of a session fits its schema', async () => {
    const ann = await TestPerson.register(parley.url, 'Ann');
    const bob = await TestPerson.register(parley.url, 'Bob');
    const { body: meeting } = await checked(
      ann,
      'POST',
      '/api/v1/meetings',
      {},
      {
        title: 'Planning',
        startTime: '2040-01-01T09:00:00Z',
        endTime: '2040-01-01T10:00:00Z',
      },
    );
    await checked(ann, 'GET', '/api/v1/meetings/{meetingId}', { meetingId: meeting.id });
    await checked(ann, 'GET', '/api/v1/meetings');
    const { body: room } = await checked(ann, 'POST', '/api/v1/rooms', {}, {});
    await checked(ann, 'POST', '/api/v1/rooms/{roomId}/join', { roomId: room.id });
    await checked(ann, 'GET', '/api/v1/rooms/{roomId}', { roomId: room.id });
    await checked(ann, 'POST', '/api/v1/rooms/{roomId}/leave', { roomId: room.id });
    const { body: channel } = await checked(ann, 'POST', '/api/v1/channels', {}, { name: 'General' });
    const channelId = channel.id;
    await checked(bob, 'POST', '/api/v1/channels/{channelId}/join', { channelId });
    const { body: message } = await checked(
      bob,
      'POST',
      '/api/v1/channels/{channelId}/messages',
      { channelId },
      { text: 'hello' },
    );
    await checked(ann, 'GET', '/api/v1/channels/{channelId}/messages', { channelId });
    await checked(ann, 'DELETE', '/api/v1/channels/{channelId}/messages/{messageRevision}', {
      channelId,
      messageRevision: message.revision,
    });
    await checked(ann, 'GET', '/api/v1/channels/{channelId}/messages', { channelId });
    await checked(ann, 'GET', '/api/v1/channels/{channelId}/members', { channelId });
    await checked(ann, 'GET', '/api/v1/channels/{channelId}', { channelId });
    await checked(ann, 'GET', '/api/v1/channels');
    await checked(ann, 'DELETE', '/api/v1/channels/{channelId}/members/{personId}', { channelId, personId: bob.id });
    await checked(ann, 'POST', '/api/v1/channels/{channelId}/members', { channelId }, { personId: bob.id });
    await checked(bob, 'POST', '/api/v1/channels/{channelId}/leave', { channelId });
    await checked(ann, 'GET', '/api/v1/auth/me');
    await checked(ann, 'GET', '/api/v1/auth/sessions');
    await checked(ann, 'GET', '/api/v1/auth/mfa');
    await checked(ann, 'GET', '/api/v1/users/me');
    await checked(ann, 'GET', '/api/v1/users/me/settings');
    await checked(ann, 'PATCH', '/api/v1/users/me', {}, { avatar: 'ann.png', timeZone: 'Europe/Berlin' });
    await checked(ann, 'GET', '/api/v1/users/{personId}', { personId: ann.id });
    await checked(bob, 'GET', '/api/v1/users/{personId}', { personId: ann.id });
    await checked(ann, 'POST', '/api/v1/auth/ws-ticket', {}, {});
    const { email, password } = ann;
    await checked(ann, 'POST', '/api/v1/auth/login', {}, { email, password });
    await checked(ann, 'POST', '/api/v1/auth/register', {}, { email: `x${email}`, password, name: 'Ann' });
  });
});

async function checked(person: TestPerson, method: string, path: string, params: object = {}, body?: unknown) {
  const url = Object.entries(params).reduce((text, [name, value]) => text.replace(`{${name}}`, String(value)), path);
  const answer = await call(parley.url, method, url, { token: person.token, body });
  const { responses } = document.paths[path][method.toLowerCase()];
  const schema = responses[answer.status]?.content['application/json'].schema;
  expect({ path, status: answer.status, told: schema !== undefined }).toMatchObject({ told: true });
  expect(z.fromJSONSchema(schema).safeParse(answer.body)).toMatchObject({ success: true });
  return answer;
}

describe('the reference page', () => {
  it('needs nothing from elsewhere', async () => {
    const page = await call(parley.url, 'GET', 'docs');
    expect(page.headers.get('content-type')).toContain('text/html');
    const sources = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, source]) => source);
    expect(sources.length).toBeGreaterThan(2);
    for (const source of sources) {
      expect(source).toMatch(/^\//);
      expect(await call(parley.url, 'GET', source)).toMatchObject({ status: 200 });
    }
  });

  it.each([['..%2f..%2fpackage.json'], ['index.html'], ['%2e%2e/package.json']])(
    'serves nothing else: %s',
    async (file) => {
      expect((await call(parley.url, 'GET', `docs/${file}`)).status).toBe(404);
    },
  );
});
