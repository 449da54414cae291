import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InvalidConfig, loadConfig, parseConfig } from '../../src/config.js';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';

const goodSecrets = {
  JWT_SECRET: 'Wm9e0PyPmQ2vX8sKj1dLq7RtZ5bN3cHf',
  PARLEY_MASTER_KEY: Buffer.from('7d1f8a93c2e64b05f1a29d38477bce60', 'utf8').toString('base64'),
};

function faultsOf(values: Record<string, unknown>): readonly string[] {
  try {
    parseConfig(values);
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidConfig);
    return (error as InvalidConfig).faults;
  }
}

describe('the settings', () => {
  it('need none to be set', () => {
    expect(parseConfig({})).toMatchObject({
      environment: 'development',
      host: '127.0.0.1',
      port: 3000,
      edgePort: 3001,
      dataDirectory: './data',
      bcryptCost: 12,
      roles: new Set(['api', 'edge', 'projector', 'relay', 'reactor']),
    });
  });

  it('are taken from the environment before .env, from there before the file, and from there before the defaults', async () => {
    const directory = await temporaryDirectory();
    const file = join(directory, 'parley.json');
    const dotenv = join(directory, '.env');
    const values = { PORT: 1001, PARLEY_EDGE_PORT: 1002, PARLEY_HOST: 'file', LOG_LEVEL: 'warn' };
    await writeFile(file, JSON.stringify(values));
    await writeFile(dotenv, 'PARLEY_EDGE_PORT=2002\nPARLEY_HOST="dotenv"\n');
    const config = loadConfig({ CONFIG_FILE: file, PARLEY_HOST: 'environment', PORT: '' }, dotenv);
    expect(config).toMatchObject({ port: 1001, edgePort: 2002, host: 'environment', logLevel: 'warn', bcryptCost: 12 });
  });

  it('may name their file in .env', async () => {
    const directory = await temporaryDirectory();
    const file = join(directory, 'parley.json');
    await writeFile(file, '{"PORT":1001}');
    await writeFile(join(directory, '.env'), `CONFIG_FILE=${file}`);
    expect(loadConfig({}, join(directory, '.env')).port).toBe(1001);
  });

  it.each([
    ['is not there', undefined],
    ['is not JSON', 'PORT=1'],
    ['holds no object', '[]'],
    ['holds an unknown setting', '{"PROT":1}'],
  ])('are refused where their file %s', async (_what, text) => {
    const file = join(await temporaryDirectory(), 'parley.json');
    if (text !== undefined) await writeFile(file, text);
    expect(() => loadConfig({ CONFIG_FILE: file }, 'no .env')).toThrow(InvalidConfig);
  });

  it('name each one at fault, on a line of its own', () => {
    expect(faultsOf({ PORT: 'x', LOG_LEVEL: 'loud', FRONTEND_URL: 'talk.example.org/app' })).toEqual([
      expect.stringMatching(/^PORT: /),
      expect.stringMatching(/^FRONTEND_URL: must be origins/),
      expect.stringMatching(/^LOG_LEVEL: /),
    ]);
  });

  it.each([
    ['PARLEY_EVENT_STORE', 'postgres://localhost', 'sqlite or kurrentdb://… or kurrentdb+discover://…'],
    ['PARLEY_READ_STORE', 'redis://localhost', 'sqlite or mongodb://… or mongodb+srv://…'],
    ['PARLEY_KEYS', 'vault://localhost', 'sqlite or mongodb://… or mongodb+srv://…'],
    ['PARLEY_BROKER', 'redis://localhost', 'in-process or nats://… or tls://…'],
  ])('say which adapters there are: %s', (name, value, known) => {
    expect(faultsOf({ [name]: value })).toEqual([`${name}: must be ${known}: this version has no other`]);
  });

  it.each([
    ['mongodb://db', 'parley'],
    ['mongodb://db:27017/', 'parley'],
    ['mongodb://db/talk', 'talk'],
    ['mongodb://ann:secret%2F1@a:1,b:2/talk?replicaSet=rs', 'talk'],
    ['mongodb+srv://cluster.example.org/talk?maxPoolSize=5', 'talk'],
  ])('name a database of MongoDB: %s', (url, database) => {
    expect(parseConfig({ PARLEY_READ_STORE: url }).readStore).toEqual({ url, database });
  });

  it.each(['mongodb:///talk', 'mongodb://@/talk', 'mongodb://db/a/b', 'mongodb://db/a b', 'mongodb://db/%E0%A4%A'])(
    'refuse what names none: %s',
    (url) => {
      expect(faultsOf({ PARLEY_READ_STORE: url })).toEqual([
        expect.stringMatching(/^PARLEY_READ_STORE: must be mongodb/),
      ]);
    },
  );

  it('put the keys beside the read models, in a database of their own, unless they are told otherwise', () => {
    const url = 'mongodb://db/talk';
    expect(parseConfig({}).keys).toBe('sqlite');
    expect(parseConfig({ PARLEY_READ_STORE: url }).keys).toEqual({ url, database: 'talk-keys' });
    expect(parseConfig({ PARLEY_READ_STORE: url, PARLEY_KEYS: 'sqlite' }).keys).toBe('sqlite');
    expect(parseConfig({ PARLEY_KEYS: 'mongodb://vault' }).keys).toEqual({
      url: 'mongodb://vault',
      database: 'parley-keys',
    });
    expect(faultsOf({ PARLEY_READ_STORE: url, PARLEY_KEYS: url })).toEqual([
      'PARLEY_KEYS: must name another database than PARLEY_READ_STORE, which may be dropped at any time',
    ]);
  });

  it.each([
    ['kurrentdb://ann:s3cret', 'must name its hosts as host:port'],
    ['kurrentdb://ann:s3cret@db.example:port', 'must name its hosts as host:port'],
    ['kurrentdb://ann:s3cret@db.example?tsl=false', 'has an option "tsl" that KurrentDB\'s client does not know'],
    ['kurrentdb://ann:s3cret@db.example?tls=no', 'tls must be true or false'],
    ['kurrentdb://ann:s3cret@db.example/a.b', 'must look like'],
  ])('tell what is wrong with the URL of a KurrentDB, and no password of it', (url, fault) => {
    const faults = faultsOf({ PARLEY_EVENT_STORE: url });
    expect(faults).toEqual([expect.stringContaining(`PARLEY_EVENT_STORE: ${fault}`)]);
    expect(faults.join()).not.toContain('s3cret');
  });

  it('take several origins', () => {
    const { origins } = parseConfig({ FRONTEND_URL: 'https://a.example, http://b.example:8080' });
    expect(origins).toEqual(['https://a.example', 'http://b.example:8080']);
  });
});

describe('the master key', () => {
  const keys = [
    '7d1f8a93c2e64b05f1a29d38477bce60',
    '0e5c77a1b94f4d2f8a6be3d1905fc2ab',
    'c41b6e02d97f4a38b50e8fa7163cd95e',
  ].map((text) => Buffer.from(text)) as [Buffer, Buffer, Buffer];
  const [first, second, third] = keys.map((key) => key.toString('base64')) as [string, string, string];

  it('is the first version unless it says otherwise', () => {
    expect(parseConfig({ PARLEY_MASTER_KEY: first }).masterKeys).toEqual([{ version: 1, key: keys[0] }]);
    expect(parseConfig({ PARLEY_MASTER_KEY: `12:${keys[1].toString('hex')}` }).masterKeys).toEqual([
      { version: 12, key: keys[1] },
    ]);
    expect(parseConfig({}).masterKeys).toBeUndefined();
  });

  it('may have previous ones beside it', () => {
    const values = { PARLEY_MASTER_KEY: `3:${third}`, PARLEY_PREVIOUS_MASTER_KEYS: `${first}, 2:${second}` };
    expect(parseConfig(values).masterKeys).toEqual([
      { version: 3, key: keys[2] },
      { version: 1, key: keys[0] },
      { version: 2, key: keys[1] },
    ]);
  });

  it.each([
    ['no key', 'PARLEY_MASTER_KEY: must be 32 random bytes', { PARLEY_MASTER_KEY: '2:' }],
    [
      'a version that is no number',
      'PARLEY_MASTER_KEY: must be 32 random bytes',
      { PARLEY_MASTER_KEY: `two:${first}` },
    ],
    ['the version 0', 'PARLEY_MASTER_KEY: must be 32 random bytes', { PARLEY_MASTER_KEY: `0:${first}` }],
    ['a short previous key', 'PARLEY_PREVIOUS_MASTER_KEYS: must be 32', { PARLEY_PREVIOUS_MASTER_KEYS: 'AAAA' }],
    [
      'previous keys alone',
      'PARLEY_PREVIOUS_MASTER_KEYS: must not be set without',
      { PARLEY_PREVIOUS_MASTER_KEYS: first },
    ],
    [
      'one version for two keys',
      'PARLEY_PREVIOUS_MASTER_KEYS: must each have a version of its own',
      { PARLEY_MASTER_KEY: second, PARLEY_PREVIOUS_MASTER_KEYS: first },
    ],
    [
      'a previous key that is newer',
      'PARLEY_MASTER_KEY: must have a higher version',
      { PARLEY_MASTER_KEY: first, PARLEY_PREVIOUS_MASTER_KEYS: `2:${second}` },
    ],
    [
      'one key under two versions',
      'PARLEY_PREVIOUS_MASTER_KEYS: must not be the same key',
      { PARLEY_MASTER_KEY: `2:${first}`, PARLEY_PREVIOUS_MASTER_KEYS: first },
    ],
  ])('is refused with %s', (_what, fault, values) => {
    expect(faultsOf(values)).toEqual([expect.stringContaining(fault)]);
  });

  it('is never told, whatever is wrong with it', () => {
    const faults = faultsOf({ PARLEY_MASTER_KEY: `${first}x`, PARLEY_PREVIOUS_MASTER_KEYS: `1:${second}:${third}` });
    expect(faults).toHaveLength(2);
    for (const key of [first, second, third]) expect(faults.join()).not.toContain(key.slice(0, 20));
  });
});

describe('production', () => {
  it('starts with secrets of its own', () => {
    const config = parseConfig({ NODE_ENV: 'production', ...goodSecrets });
    expect(config.masterKeys).toEqual([{ version: 1, key: Buffer.from('7d1f8a93c2e64b05f1a29d38477bce60') }]);
    expect(config.jwtSecret).toBe(goodSecrets.JWT_SECRET);
  });

  it('refuses to start without a master key', () => {
    expect(faultsOf({ NODE_ENV: 'production' })).toEqual(['PARLEY_MASTER_KEY: must be set in production']);
  });

  it('needs no secret that is shared with others', () => {
    const { JWT_SECRET: _, ...others } = goodSecrets;
    expect(parseConfig({ NODE_ENV: 'production', ...others }).jwtSecret).toBeUndefined();
  });

  it.each([
    ['JWT_SECRET', 'short'],
    ['JWT_SECRET', 'change-me-change-me-change-me-change-me'],
    ['JWT_SECRET', 'your-secret-key-your-secret-key-your'],
    ['JWT_SECRET', 'a'.repeat(64)],
    ['PARLEY_MASTER_KEY', 'not a key'],
    ['PARLEY_MASTER_KEY', Buffer.alloc(32).toString('base64')],
    ['PARLEY_MASTER_KEY', Buffer.alloc(31, 'x7fY2k').toString('base64')],
    ['PARLEY_BCRYPT_COST', '9'],
  ])('refuses %s=%s', (name, value) => {
    const faults = faultsOf({ NODE_ENV: 'production', ...goodSecrets, [name]: value });
    expect(faults).toEqual([expect.stringMatching(new RegExp(`^${name}: must`))]);
  });
});
