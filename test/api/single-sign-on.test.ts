import { execFile } from 'node:child_process';
import { readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ended } from '../cli/parley.js';
import { call, TestPerson } from '../fixtures/api-client.js';
import { startTestParley, type TestParley } from '../fixtures/parley.js';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';

const repository = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const jwtSecret = 'Wm9e0PyPmQ2vX8sKj1dLq7RtZ5bN3cHf';

/** Another service: what README says that one does, in a process of its own. @returns the claims */
async function verify(token: string, settings: NodeJS.ProcessEnv): Promise<unknown> {
  const readme = await readFile(repository('README.md'), 'utf8');
  const example = [...readme.matchAll(/```js\n(.*?)```/gs)].find(([, code]) => code?.includes('jwks.json'));
  const directory = await temporaryDirectory();
  await writeFile(join(directory, 'verify.mjs'), example?.[1] as string);
  await symlink(repository('node_modules'), join(directory, 'node_modules'));
  const environment = { ...process.env, JWT_SECRET: '', ...settings };
  const run = promisify(execFile)(process.execPath, [join(directory, 'verify.mjs'), token], { env: environment });
  return JSON.parse((await run).stdout);
}

describe('access tokens verified by another service', () => {
  let parley: TestParley;
  beforeAll(async () => {
    parley = await startTestParley();
  });
  afterAll(() => parley.close());

  const publishedKeys = () => call(parley.url, 'GET', '/.well-known/jwks.json');

  it('tell who someone is, by the published keys', async () => {
    const ann = await TestPerson.register(parley.url, 'Ann');
    expect(await verify(ann.token, { PARLEY_URL: parley.url })).toEqual({
      sub: ann.id,
      sid: expect.any(String),
      name: 'Ann',
      role: 'member',
      iss: 'parley',
      aud: 'parley',
      iat: expect.any(Number),
      exp: expect.any(Number),
    });
  });

  it('are refused where they were changed', async () => {
    const ann = await TestPerson.register(parley.url, 'Ann');
    const bob = await TestPerson.register(parley.url, 'Bob');
    const mixed = [...ann.token.split('.').slice(0, 2), bob.token.split('.')[2]].join('.');
    await expect(verify(mixed, { PARLEY_URL: parley.url })).rejects.toThrow('signature verification failed');
  });

  it('tell it by a shared secret, where one is set; no key is published then', async () => {
    const sharing = await startTestParley({ JWT_SECRET: jwtSecret, PARLEY_ISSUER: 'parley' });
    try {
      const ann = await TestPerson.register(sharing.url, 'Ann');
      expect(decodeProtectedHeader(ann.token)).toEqual({ alg: 'HS256', typ: 'at+jwt' });
      expect(await verify(ann.token, { JWT_SECRET: jwtSecret })).toMatchObject({ sub: ann.id, name: 'Ann' });
      await expect(verify(ann.token, { JWT_SECRET: `${jwtSecret}x` })).rejects.toThrow('signature verification failed');
      expect((await call(sharing.url, 'GET', '/.well-known/jwks.json')).body).toEqual({ keys: [] });
    } finally {
      await sharing.close();
    }
  });

  it('are those of the issuer and for the audience that are set', async () => {
    const named = await startTestParley({ PARLEY_ISSUER: 'https://talk.example.org', PARLEY_AUDIENCE: 'example' });
    try {
      const ann = await TestPerson.register(named.url, 'Ann');
      await expect(verify(ann.token, { PARLEY_URL: named.url })).rejects.toThrow('unexpected "iss" claim value');
      expect((await ann.get('auth/me')).status).toBe(200);
    } finally {
      await named.close();
    }
  });

  it('find the keys as a JWK Set that may be kept for minutes, without a token and by anybody', async () => {
    const { status, headers, body } = await publishedKeys();
    expect(status).toBe(200);
    expect(headers.get('content-type')).toMatch(/^application\/jwk-set\+json/);
    expect(headers.get('cache-control')).toBe('public, max-age=300');
    expect(body).toEqual({
      keys: [{ kty: 'OKP', crv: 'Ed25519', x: expect.any(String), kid: expect.any(String), alg: 'EdDSA', use: 'sig' }],
    });
  });

  it('stay good when the signing key is rotated while the server runs, and also after it was started again', async () => {
    const ann = await TestPerson.register(parley.url, 'Ann');
    const [before] = (await publishedKeys()).body.keys;
    const rotation = execFile(
      process.execPath,
      [repository('dist/src/cli/parley.js'), 'keys', 'rotate-signing', '--json'],
      {
        env: { ...process.env, NODE_ENV: 'test', PARLEY_DATA_DIR: parley.dataDirectory, LOG_LEVEL: 'warn' },
      },
    );
    const { stdout, stderr, exitCode } = await ended(rotation);
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
    const { kid, signsFrom } = JSON.parse(stdout);
    expect(Date.parse(signsFrom)).toBeGreaterThan(Date.now());
    await vi.waitFor(
      async () => {
        const { keys } = (await publishedKeys()).body;
        expect(keys.map((key: { kid: string }) => key.kid)).toEqual([before.kid, kid]);
      },
      { timeout: 20_000 },
    );
    const bea = await TestPerson.register(parley.url, 'Bea');
    expect(decodeProtectedHeader(bea.token).kid).toBe(before.kid);
    parley = await parley.restart();
    for (const { token, id } of [ann, bea]) {
      expect((await call(parley.url, 'GET', 'auth/me', { token })).body.id).toBe(id);
      expect(await verify(token, { PARLEY_URL: parley.url })).toMatchObject({ sub: id });
    }
  });
});
