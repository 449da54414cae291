import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { exitCodes } from '../../src/cli/exit-codes.js';
import { closeCodes } from '../../src/edge/close-codes.js';
import { call, TestPerson } from '../fixtures/api-client.js';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';

const program = fileURLToPath(new URL('../../dist/src/cli/parley.js', import.meta.url));

interface Run {
  readonly process: ChildProcessWithoutNullStreams;
  /** What it has printed so far. */
  stdout(): string;
  stderr(): string;
  readonly ended: Promise<number | null>;
}

function settingsOf(settings: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    PORT: '0',
    PARLEY_EDGE_PORT: '0',
    PARLEY_BCRYPT_COST: '4',
    // Where uWebSockets.js does not load, a warning says so.
    LOG_LEVEL: 'error',
    ...settings,
  };
}

function run(args: readonly string[], settings: NodeJS.ProcessEnv): Run {
  return follow(spawn(process.execPath, [program, ...args], { env: settingsOf(settings) }));
}

function follow(child: ChildProcessWithoutNullStreams): Run {
  onTestFinished(() => void child.kill('SIGKILL'));
  const printed = { stdout: '', stderr: '' };
  child.stdout.on('data', (data) => {
    printed.stdout += data;
  });
  child.stderr.on('data', (data) => {
    printed.stderr += data;
  });
  const ended = once(child, 'close').then(([code]) => code as number | null);
  return { process: child, stdout: () => printed.stdout, stderr: () => printed.stderr, ended };
}

/** @returns the URL that it announces */
async function ready(serving: Run): Promise<string> {
  for (;;) {
    const [, url] = /API +(\S+)\/api\/v1,/.exec(serving.stdout()) ?? [];
    if (url) return url;
    await Promise.race([
      once(serving.process.stdout, 'data'),
      serving.ended.then(() => Promise.reject(new Error(serving.stderr()))),
    ]);
  }
}

async function occupiedPort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return String((server.address() as { port: number }).port);
}

describe('parley', () => {
  it.each([['--version'], ['--help'], ['serve --help']])('answers %s', async (args) => {
    const asked = run(args.split(' '), {});
    expect(await asked.ended).toBe(exitCodes.done);
    expect(asked.stdout()).not.toBe('');
  });

  it.each([['--nonsense'], ['nonsense'], ['serve --nonsense']])('does not understand %s', async (args) => {
    const asked = run(args.split(' '), {});
    expect(await asked.ended).toBe(exitCodes.usage);
    expect(asked.stderr()).toContain('nonsense');
  });
});

describe('parley serve', () => {
  it('says where everything is, and what to try', async () => {
    const data = await temporaryDirectory();
    const serving = run(['serve'], { PARLEY_DATA_DIR: data });
    const url = await ready(serving);
    expect(serving.stdout()).toContain(`${url}/api/v1/docs`);
    expect(serving.stdout()).toContain(`${url.replace('http', 'ws')}/api/v1/socket`);
    expect(serving.stdout()).toContain(data);
    expect(serving.stdout()).toContain('curl');
    expect(serving.stdout().split('\n').length).toBeLessThan(12);
    expect(serving.stderr()).toBe('');
    expect((await stat(join(data, 'secrets.json'))).mode & 0o777).toBe(0o600);
  });

  it('keeps in development the secrets that it has made', async () => {
    const data = await temporaryDirectory();
    const kept: string[] = [];
    for (let start = 0; start < 2; start += 1) {
      const serving = run(['serve'], { PARLEY_DATA_DIR: data });
      await ready(serving);
      serving.process.kill('SIGTERM');
      expect(await serving.ended).toBe(exitCodes.done);
      kept.push(await readFile(join(data, 'secrets.json'), 'utf8'));
    }
    expect(kept[1]).toBe(kept[0]);
  });

  it('finishes what it has begun when told to stop: nothing acknowledged is lost, sockets are told to connect again', async () => {
    const data = await temporaryDirectory();
    let serving = run(['serve'], { PARLEY_DATA_DIR: data });
    const url = await ready(serving);
    const ann = await TestPerson.register(url, 'Ann');
    const { body: channel } = await ann.post('channels', { name: 'General' });
    const socket = new WebSocket(`${url.replace('http', 'ws')}/api/v1/socket`, {
      headers: { authorization: `Bearer ${ann.token}` },
    });
    await once(socket, 'message');
    const told = once(socket, 'close');

    const acknowledged: string[] = [];
    const refused: unknown[] = [];
    const post = async (text: string) => {
      const answer = await ann.post(`channels/${channel.id}/messages`, { text }).catch(() => undefined);
      if (answer?.status === 201) acknowledged.push(text);
      else refused.push(answer && { status: answer.status, code: answer.body.code });
    };
    const posting = (async () => {
      for (let number = 0; refused.length === 0; number += 8) {
        await Promise.all(Array.from({ length: 8 }, (_, index) => post(`m${number + index}`)));
      }
    })();
    while (acknowledged.length < 40) await sleep(5);
    serving.process.kill('SIGTERM');
    expect(await serving.ended).toBe(exitCodes.done);
    const [code, reason] = (await told) as [number, Buffer];
    expect({ code, reason: String(reason) }).toEqual(closeCodes['shutting-down']);
    await posting;
    for (const answer of refused) {
      if (answer !== undefined) expect(answer).toEqual({ status: 503, code: 'shutting-down' });
    }
    expect(serving.stderr()).toBe('');

    serving = run(['serve'], { PARLEY_DATA_DIR: data });
    const again = await ready(serving);
    const listed = new Set<string>();
    for (let next: string | null = ''; next !== null; ) {
      const path = `/api/v1/channels/${channel.id}/messages?limit=200${next && `&cursor=${next}`}`;
      const answer = await fetch(`${again}${path}`, { headers: { authorization: `Bearer ${ann.token}` } });
      const page = (await answer.json()) as { items: { text: string }[]; next: string | null };
      for (const { text } of page.items) listed.add(text);
      next = page.next;
    }
    expect(acknowledged.filter((text) => !listed.has(text))).toEqual([]);
  });

  it('ends at once at a second signal', async () => {
    const serving = run(['serve'], { PARLEY_DATA_DIR: await temporaryDirectory() });
    const url = await ready(serving);
    // A request whose body does not come keeps the first signal's draining waiting.
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    socket.on('error', () => {});
    socket.write(
      'POST /api/v1/rooms HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n',
    );
    await once(socket, 'data');
    serving.process.kill('SIGTERM');
    while ((await fetch(`${url}/health/ready`).catch(() => undefined))?.ok) await sleep(5);
    serving.process.kill('SIGTERM');
    expect(await serving.ended).toBe(exitCodes.interrupted);
  });
});

describe('a disk that is full', () => {
  it('is told to those who wait as an unknown outcome, and in one line, and ends the process; what was acknowledged stays', async () => {
    const data = await temporaryDirectory();
    const full = spawn('sh', ['-c', 'ulimit -f 1000; exec "$0" "$@"', process.execPath, program, 'serve'], {
      env: settingsOf({ PARLEY_DATA_DIR: data, LOG_LEVEL: 'silent' }),
    });
    let serving = follow(full);
    const ann = await TestPerson.register(await ready(serving), 'Ann');
    const { body: channel } = await ann.post('channels', { name: 'General' });
    const path = `channels/${channel.id}/messages`;
    const acknowledged: { revision: number; position: string }[] = [];
    const post = () => ann.post(path, { text: 'a'.repeat(10_000) });
    let answer = await post();
    for (; answer.status === 201; answer = await post()) acknowledged.push(answer.body);
    expect(answer).toMatchObject({ status: 503, body: { code: 'outcome-unknown' } });
    expect(answer.headers.get('retry-after')).not.toBeNull();
    expect(await serving.ended).toBe(exitCodes.store);
    expect(serving.stderr()).toMatch(/^parley: .*events\.db.*\n$/);

    serving = run(['serve'], { PARLEY_DATA_DIR: data });
    const url = await ready(serving);
    const { body } = await call(url, 'GET', `${path}?limit=200`, {
      token: ann.token,
      headers: { 'parley-position': acknowledged.at(-1)?.position ?? '' },
    });
    const listed = new Set(body.items.map(({ revision }: { revision: number }) => revision));
    expect(acknowledged.filter(({ revision }) => !listed.has(revision))).toEqual([]);
  });
});

describe('parley serve says in one line why it can not start, and ends', () => {
  async function refusal(settings: NodeJS.ProcessEnv): Promise<[lines: string[], code: number | null]> {
    const serving = run(['serve'], settings);
    const code = await serving.ended;
    expect(serving.stdout()).toBe('');
    return [serving.stderr().trimEnd().split('\n'), code];
  }

  it('a setting that is wrong', async () => {
    const [lines, code] = await refusal({ PORT: 'http' });
    expect(code).toBe(exitCodes.config);
    expect(lines).toEqual([expect.stringMatching(/^parley: PORT: /)]);
  });

  it('production without a master key and with a short secret, a line each', async () => {
    const [lines, code] = await refusal({ NODE_ENV: 'production', PARLEY_BCRYPT_COST: '12', JWT_SECRET: 'short' });
    expect(code).toBe(exitCodes.config);
    expect(lines).toEqual([
      'parley: JWT_SECRET: must be at least 32 characters',
      'parley: PARLEY_MASTER_KEY: must be set in production',
    ]);
  });

  it('a data directory that can not be written', async () => {
    const path = join(await temporaryDirectory(), 'file');
    await writeFile(path, '');
    const [lines, code] = await refusal({ PARLEY_DATA_DIR: path });
    expect(code).toBe(exitCodes.data);
    expect(lines).toEqual([expect.stringContaining(path)]);
  });

  it.each([['PORT'], ['PARLEY_EDGE_PORT']])('a port in use: %s', async (name) => {
    const port = await occupiedPort();
    const [lines, code] = await refusal({ PARLEY_DATA_DIR: await temporaryDirectory(), [name]: port });
    expect(code).toBe(exitCodes.port);
    expect(lines).toEqual([expect.stringContaining(port)]);
  });

  it.each([['events.db'], ['keys.db'], ['read-models.db'], ['secrets.json']])('a damaged file: %s', async (file) => {
    const data = await temporaryDirectory();
    await mkdir(data, { recursive: true });
    await writeFile(join(data, file), 'this is not what it should be '.repeat(500));
    const [lines, code] = await refusal({ PARLEY_DATA_DIR: data });
    expect(code).toBe(exitCodes.data);
    expect(lines).toEqual([expect.stringContaining(join(data, file))]);
  });

  async function servedOnce(): Promise<string> {
    const data = await temporaryDirectory();
    const serving = run(['serve'], { PARLEY_DATA_DIR: data });
    const ann = await TestPerson.register(await ready(serving), 'Ann');
    await ann.get('auth/me');
    const { position } = (await ann.post('rooms')).body;
    await ann.get('meetings', { 'parley-position': position });
    serving.process.kill('SIGTERM');
    await serving.ended;
    return data;
  }

  it('read models that are ahead of the log, whatever its roles; nor does a command append to it', async () => {
    const data = await servedOnce();
    for (const end of ['', '-wal', '-shm']) await rm(join(data, `events.db${end}`), { force: true });
    for (const PARLEY_ROLES of ['api,edge,projector,relay,reactor', 'api']) {
      const [lines, code] = await refusal({ PARLEY_DATA_DIR: data, PARLEY_ROLES });
      expect(code).toBe(exitCodes.data);
      expect(lines).toEqual([expect.stringContaining('the log has lost events')]);
    }
    const revoking = run(['sessions', 'revoke', '--all'], { PARLEY_DATA_DIR: data });
    expect(await revoking.ended).toBe(exitCodes.data);
    expect(revoking.stderr()).toContain('the log has lost events');
  });

  it('another master key', async () => {
    const data = await servedOnce();
    const PARLEY_MASTER_KEY = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64');
    const [lines, code] = await refusal({ PARLEY_DATA_DIR: data, PARLEY_MASTER_KEY });
    expect(code).toBe(exitCodes.data);
    expect(lines).toEqual([expect.stringContaining('master key')]);
  });
});
