import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { openSqliteKeys } from '../../src/keys/sqlite.js';
import { ended } from '../cli/parley.js';
import { call, TestPerson } from '../fixtures/api-client.js';
import { ServerProcess } from '../fixtures/server-process.js';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';

const program = fileURLToPath(new URL('../../dist/src/cli/parley.js', import.meta.url));
const [first, second] = [randomBytes(32), randomBytes(32)];
const olderAlone = { PARLEY_MASTER_KEY: first.toString('base64') };
const newerAlone = { PARLEY_MASTER_KEY: `2:${second.toString('base64')}` };
const both = { ...newerAlone, PARLEY_PREVIOUS_MASTER_KEYS: olderAlone.PARLEY_MASTER_KEY };

/** So many that wrapping them anew takes a while. */
const bystanders = Array.from({ length: 8_000 }, (_, index) => `bystander ${index}`);

async function serve(data: string, settings: NodeJS.ProcessEnv): Promise<ServerProcess> {
  const server = await ServerProcess.of(data, settings);
  onTestFinished(async () => void (await server.end('SIGKILL')));
  await server.start();
  return server;
}

/** People, and what each of them has said in a channel of their own. */
class Speakers {
  readonly #said: { person: TestPerson; channel: string; texts: string[]; position: string }[] = [];

  async join(url: string): Promise<void> {
    const person = await TestPerson.register(url, `Person${this.#said.length}`);
    const { body } = await person.post('channels', { name: 'mine' });
    this.#said.push({ person, channel: body.id, texts: [], position: body.position });
  }

  /** Everyone says something through one server. */
  async speak(url: string): Promise<void> {
    for (const said of this.#said) {
      const { person, channel, texts } = said;
      const text = `text ${texts.length}`;
      const answer = await call(url, 'POST', `channels/${channel}/messages`, { token: person.token, body: { text } });
      expect({ status: answer.status, body: answer.body }).toMatchObject({ status: 201 });
      texts.push(text);
      said.position = answer.body.position;
    }
  }

  /** Everyone is known by name, can log in, and reads what they have said. */
  async check(url: string): Promise<void> {
    for (const { person, channel, texts, position } of this.#said) {
      const { email, password } = person;
      const login = await call(url, 'POST', 'auth/login', { body: { email, password } });
      expect(login).toMatchObject({ status: 200, body: { user: { id: person.id, email } } });
      const { body } = await call(url, 'GET', `channels/${channel}/messages`, {
        token: login.body.accessToken,
        headers: { 'parley-position': position },
      });
      const read = body.items.map(({ text }: { text: string }) => text);
      expect(read.toSorted()).toEqual(texts.toSorted());
    }
  }
}

function rewrap(data: string): Promise<{ exitCode: number | null; stdout: string; stderr: string }> {
  const environment = { ...process.env, ...both, NODE_ENV: 'test', PARLEY_DATA_DIR: data, LOG_LEVEL: 'warn' };
  return ended(execFile(process.execPath, [program, 'keys', 'rewrap', '--json'], { env: environment }));
}

it('a master key is rotated while two processes serve people, and then left out', { timeout: 180_000 }, async () => {
  const data = await temporaryDirectory();
  const speakers = new Speakers();

  const before = await serve(data, olderAlone);
  for (let count = 0; count < 5; count += 1) await speakers.join(before.url);
  await speakers.speak(before.url);
  await before.end('SIGTERM');
  const keys = await openSqliteKeys(join(data, 'keys.db'), { version: 1, key: first });
  await keys.ensure(bystanders);
  const kept = await keys.get(bystanders);
  await keys.close();
  await expect(serve(data, newerAlone)).rejects.toThrow('holds keys under master key 1: give that one, too');

  const servers = [await serve(data, both), await serve(data, both)];
  const urls = servers.map(({ url }) => url) as [string, string];
  let done = false;
  const rewrapping = rewrap(data).finally(() => {
    done = true;
  });
  let rounds = 0;
  for (; !done || rounds < 3; rounds += 1) {
    await Promise.all(urls.map((url) => speakers.join(url)));
    await speakers.speak(urls[rounds % 2] as string);
    await speakers.check(urls[(rounds + 1) % 2] as string);
  }
  const { exitCode, stdout, stderr } = await rewrapping;
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  const { rewrapped, masterKeys } = JSON.parse(stdout);
  expect(rewrapped).toBeGreaterThan(bystanders.length);
  expect(masterKeys[1]).toEqual({ version: 1, isNewest: false, keys: 0 });
  for (const server of servers) expect(await server.end('SIGTERM')).toBe(0);

  await expect(serve(data, olderAlone)).rejects.toThrow('holds keys under master key 2: give that one, too');
  const after = await serve(data, newerAlone);
  await speakers.check(after.url);
  await speakers.join(after.url);
  await after.end('SIGTERM');
  const again = await openSqliteKeys(join(data, 'keys.db'), { version: 2, key: second });
  expect(await again.get(bystanders)).toEqual(kept);
  await again.close();
});
