import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestParley, type TestParley } from '../fixtures/parley.js';

describe('a process without the role api', () => {
  let parley: TestParley;

  beforeAll(async () => {
    parley = await startTestParley({ PARLEY_ROLES: 'projector' });
  });

  afterAll(() => parley.close());

  it.each(['/health', '/health/live', '/health/ready'])('tells of its health at %s', async (path) => {
    const response = await fetch(`${parley.operationsUrl}${path}`);
    expect([response.status, await response.json()]).toMatchObject([200, { status: 'ok' }]);
  });

  it('tells its figures', async () => {
    const response = await fetch(`${parley.operationsUrl}/metrics`);
    expect(await response.text()).toContain('parley_projection_lag{');
  });

  it('counts what it refuses, by code', async () => {
    await fetch(`${parley.operationsUrl}/nowhere`);
    const response = await fetch(`${parley.operationsUrl}/metrics`);
    expect(await response.text()).toMatch(/^parley_http_problems_total\{code="unknown-route"\} [1-9]/m);
  });

  it.each(['/api/v1/openapi.json', '/api/v1/channels', '/.well-known/jwks.json', '/api/v1/socket'])(
    'has no %s',
    async (path) => {
      const response = await fetch(`${parley.operationsUrl}${path}`);
      expect([response.status, await response.json()]).toMatchObject([404, { code: 'unknown-route' }]);
    },
  );
});
