import { cp, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'libsql';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { projections } from '../../projections/catalogue.js';
import { parseConfig } from '../../src/config.js';
import { createCodec } from '../../src/event-store/event-codec.js';
import { openSqliteEventStore } from '../../src/event-store/sqlite.js';
import { openSqliteKeys } from '../../src/keys/sqlite.js';
import { buildBeside } from '../../src/projector/rebuild.js';
import { openSqliteReadStore } from '../../src/read-store/sqlite.js';
import { loadMasterKeys } from '../../src/secrets.js';
import { CommandLine } from '../cli/parley.js';
import { RawSocket } from '../edge/raw-socket.js';
import { call } from '../fixtures/api-client.js';
import { ServerProcess } from '../fixtures/server-process.js';
import { MailServer } from '../mail/mail-server.js';
import { Ada, messagesPosted, personal } from './forgotten-person.js';

const root = { email: 'root@example.org', password: 'correct horse' };
const patience = { timeout: 60_000, interval: 100 };

/** A server with Ada in it, and others who see what she does. */
class Platform {
  admin = '';
  bob = '';
  channelId = '';
  lastMessage = 0;

  private constructor(
    readonly commandLine: CommandLine,
    readonly server: ServerProcess,
    readonly ada: Ada,
  ) {}

  static async start(): Promise<Platform> {
    const mails = await MailServer.start();
    const commandLine = await CommandLine.open();
    const server = await ServerProcess.of(commandLine.dataDirectory, {
      PARLEY_ADMIN_EMAIL: root.email,
      PARLEY_ADMIN_PASSWORD: root.password,
      PARLEY_TRUSTED_PROXY_HOPS: '1',
      MAIL_SERVER: '127.0.0.1',
      MAIL_PORT: String(mails.port),
      MAIL_USE_TLS: 'false',
      MAIL_FROM: 'parley@talk.example',
      LOG_LEVEL: 'trace',
    });
    onTestFinished(async () => void (await server.end('SIGKILL')));
    await server.start();
    return new Platform(commandLine, server, new Ada(server.url, mails));
  }

  async live(): Promise<void> {
    const { ada, server } = this;
    await ada.register();
    await ada.tellOfHerself();
    await ada.enrol();
    await ada.forgetPassword();
    const { channelId, last } = await ada.write();
    this.channelId = channelId;
    this.lastMessage = last;
    await this.others();
    const other = await this.asBob('POST', 'channels', { name: 'Another' });
    await ada.leave(other.body.id);
    await call(server.url, 'POST', `users/${ada.id}/deactivate`, {
      token: this.admin,
      body: { reason: personal['why she was shut out'] },
    });
    await call(server.url, 'POST', `users/${ada.id}/reactivate`, { token: this.admin });
    await this.logInAgain();
  }

  /** Her sessions ended when she was shut out. */
  async logInAgain(): Promise<void> {
    const { ada } = this;
    const login = { email: personal.address, password: ada.secrets.password, code: ada.secrets['recovery code 1'] };
    ada.token = (await ada.do('POST', 'auth/login', login, { token: undefined })).accessToken;
    ada.secrets['last access token'] = ada.token;
  }

  async others(): Promise<void> {
    const { url } = this.server;
    this.admin = (await call(url, 'POST', 'auth/login', { body: root })).body.accessToken;
    const { name, ...login } = { email: 'bob@example.org', name: 'Bob', password: 'correct horse' };
    await call(url, 'POST', 'auth/register', { body: { ...login, name } });
    this.bob = (await call(url, 'POST', 'auth/login', { body: login })).body.accessToken;
    if (this.channelId) await this.asBob('POST', `channels/${this.channelId}/join`);
  }

  asBob(method: string, path: string, body?: unknown) {
    return call(this.server.url, method, path, { token: this.bob, body });
  }

  asAdmin(method: string, path: string, body?: unknown) {
    return call(this.server.url, method, path, { token: this.admin, body });
  }

  /** What everybody else is answered about her, in one text. */
  async answers(): Promise<string> {
    const answers = [
      await this.asBob('GET', `users/${this.ada.id}`),
      await this.asBob('GET', `channels/${this.channelId}`),
      await this.asBob('GET', `channels/${this.channelId}/members?limit=200`),
      await this.asBob('GET', `channels/${this.channelId}/messages?limit=200`),
      await this.asAdmin('GET', `users/${this.ada.id}`),
      await this.asAdmin('GET', `users/${this.ada.id}/sessions`),
      await this.asAdmin('GET', 'users?limit=200'),
      await this.asAdmin('GET', 'audit?limit=200'),
      await this.asAdmin('GET', `audit?limit=200&person=${this.ada.id}`),
    ];
    for (const { status, body } of answers) expect({ status, body }).toMatchObject({ status: 200 });
    return JSON.stringify(answers.map(({ body }) => body)) + (await this.followed()) + (await this.metrics());
  }

  async metrics(): Promise<string> {
    return (await call(this.server.url, 'GET', '/metrics')).body;
  }

  /** Bob follows the channel from a revision on. */
  async follow(from: number): Promise<RawSocket> {
    const socket = await RawSocket.open(Number(new URL(this.server.socketUrl).port));
    onTestFinished(() => socket.close());
    socket.send({ op: 'authenticate', token: this.bob });
    await socket.next('authenticated');
    socket.send({ op: 'subscribe', feed: `channel-${this.channelId}`, from });
    await socket.frame(this.lastMessage);
    return socket;
  }

  /** What Bob gets who does so now: from the log, and what came last from memory. */
  async followed(): Promise<string> {
    const sockets = [await this.follow(0), await this.follow(this.lastMessage)];
    const frames = sockets.flatMap((socket) => socket.all('event'));
    for (const socket of sockets) socket.close();
    expect(frames.length).toBeGreaterThan(messagesPosted);
    return JSON.stringify(frames);
  }

  get files(): Promise<ReadonlyMap<string, Buffer>> {
    return filesIn(this.commandLine.dataDirectory);
  }
}

async function filesIn(directory: string): Promise<ReadonlyMap<string, Buffer>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const names = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  return new Map(await Promise.all(names.map(async (name) => [name, await readFile(name)] as const)));
}

/** Which of the values stand where, in clear. */
function tracesOf(
  values: Readonly<Record<string, string>>,
  places: Iterable<readonly [string, Buffer | string]>,
): string[] {
  return [...places].flatMap(([place, content]) =>
    Object.entries(values)
      .filter(([, value]) => content.includes(value))
      .map(([name]) => `${name} in ${place}`),
  );
}

function inFiles(files: ReadonlyMap<string, Buffer>, which: RegExp): [string, Buffer][] {
  return [...files].filter(([name]) => which.test(name));
}

/** Rows of the snapshots, as text. */
function snapshotsIn(directory: string): string[] {
  const database = new Database(join(directory, 'read-models.db'));
  try {
    const tables = database
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'snapshots%'")
      .all() as { name: string }[];
    return tables.flatMap(({ name }) =>
      (database.prepare(`SELECT body FROM "${name}"`).all() as { body: string }[]).map(({ body }) => body),
    );
  } finally {
    database.close();
  }
}

describe('what is personal, and what is secret', () => {
  it('stands in no file but the read models in clear, and secrets in none; once forgotten, nothing does', async () => {
    const platform = await Platform.start();
    const { ada, server, commandLine } = platform;
    await platform.live();

    // Something is there that can be forgotten.
    const known = await platform.answers();
    expect(known).toContain(personal.name);
    expect(known).toContain(personal['a message']);
    expect(known).toContain(personal['address of her device']);

    await server.end('SIGTERM');
    const before = await platform.files;
    const snapshots = snapshotsIn(commandLine.dataDirectory);
    expect(snapshots.length).toBeGreaterThan(0);
    const sealed = [
      ...inFiles(before, /(events|keys)\.db|secrets/),
      ['snapshots', snapshots.join('\n')] as const,
      ['process output', server.output] as const,
    ];
    expect(tracesOf({ ...personal, ...ada.secrets }, sealed)).toEqual([]);
    expect(tracesOf(ada.secrets, [...before, ['answers', known] as const])).toEqual([]);
    expect(tracesOf({ message: personal['a message'] }, inFiles(before, /read-models\.db/))).not.toEqual([]);
    const backup = join(commandLine.directory, 'keys-backup.db');
    await cp(join(commandLine.dataDirectory, 'keys.db'), backup);

    await server.start();
    await platform.others();
    await leaveUnfinished(commandLine.dataDirectory);
    // What an edge has sent just now, it still has in memory.
    const follower = await platform.follow(0);
    const post = { text: personal['a message'] };
    platform.lastMessage = (await ada.do('POST', `channels/${platform.channelId}/messages`, post)).revision;
    expect(await follower.frame(platform.lastMessage)).toMatchObject({ data: post });
    const forgotten = await ada.ask('POST', 'users/me/forget', { password: ada.secrets.password });
    expect(forgotten.status).toBe(200);

    // At once, and everywhere.
    await vi.waitFor(
      async () => expect(tracesOf(personal, [['answers', await platform.answers()]])).toEqual([]),
      patience,
    );
    await vi.waitFor(async () => expect(tracesOf(personal, await platform.files)).toEqual([]), patience);
    expect(tracesOf({ ...personal, ...ada.secrets }, [['process output', server.output]])).toEqual([]);

    // Her sessions are over, and she can't log in again.
    expect((await ada.ask('GET', 'auth/me')).status).toBe(401);
    const refreshToken = ada.secrets['third refresh token'];
    expect((await ada.ask('POST', 'auth/refresh', { refreshToken }, { token: undefined })).status).toBe(401);
    const login = { email: personal.address, password: ada.secrets.password };
    // Where nobody knows whose login failed, it is noted from where: so not from her address.
    const elsewhere = { token: undefined, headers: { 'x-forwarded-for': '198.51.100.9' } };
    expect((await ada.ask('POST', 'auth/login', login, elsewhere)).status).toBe(401);

    // The log is as it was, and the read models are what it makes.
    expect(await server.end('SIGTERM')).toBe(0);
    expect(tracesOf({ ...personal, ...ada.secrets }, await platform.files)).toEqual([]);
    expect(await commandLine.json('verify')).toMatchObject({ exitCode: 0, result: { findings: [] } });
    const { result } = await commandLine.json<{
      projections: { projection: string; comparison: { differing: number } }[];
    }>('rebuild');
    expect(result.projections.map(({ projection, comparison }) => [projection, comparison.differing])).toEqual(
      result.projections.map(({ projection }) => [projection, 0]),
    );
    expect(tracesOf(personal, await platform.files)).toEqual([]);

    // A backup of the keys does not bring her back.
    for (const [name] of await filesIn(commandLine.dataDirectory)) if (/keys\.db/.test(name)) await rm(name);
    await cp(backup, join(commandLine.dataDirectory, 'keys.db'));
    await server.start();
    await platform.others();
    expect(tracesOf(personal, [['answers', await platform.answers()]])).toEqual([]);
    await vi.waitFor(async () => expect(await keyOf(commandLine.dataDirectory, ada.id)).toBeNull(), patience);

    // Her names are free.
    const namesake = {
      email: personal.address,
      username: personal['user name'],
      name: 'Another',
      password: 'correct horse',
    };
    expect((await call(server.url, 'POST', 'auth/register', { body: namesake })).status).toBe(201);
  }, 300_000);
});

/** As a rebuild leaves it that is killed while the server runs: read models that hold what everybody wrote. */
async function leaveUnfinished(dataDirectory: string): Promise<void> {
  const config = parseConfig({ NODE_ENV: 'test', PARLEY_DATA_DIR: dataDirectory });
  const keys = await openSqliteKeys(join(dataDirectory, 'keys.db'), await loadMasterKeys(config));
  const eventStore = await openSqliteEventStore(join(dataDirectory, 'events.db'), { onFatal() {} });
  const readStore = await openSqliteReadStore(join(dataDirectory, 'read-models.db'));
  try {
    await buildBeside({ eventStore, readStore, codec: createCodec(keys) }, projections, {});
  } finally {
    await Promise.all([keys, eventStore, readStore].map((store) => store.close()));
  }
}

async function keyOf(dataDirectory: string, subject: string): Promise<Buffer | null | undefined> {
  const config = parseConfig({ NODE_ENV: 'test', PARLEY_DATA_DIR: dataDirectory });
  const keys = await openSqliteKeys(join(dataDirectory, 'keys.db'), await loadMasterKeys(config));
  try {
    return (await keys.get([subject])).get(subject);
  } finally {
    await keys.close();
  }
}
