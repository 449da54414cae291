import { Writable } from 'node:stream';
import { type Logger, pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { streamName } from '../../domain/ids.js';
import { InternalTokens } from '../../src/auth/internal-tokens.js';
import type { Pipeline } from '../../src/commands/pipeline.js';
import type { CommandReply, CommandRequest } from '../../src/commands/port.js';
import { createCodec } from '../../src/event-store/event-codec.js';
import { memoryEventStore } from '../../src/event-store/memory.js';
import { openSmtp, type SmtpOptions } from '../../src/mail/smtp.js';
import type { LogReactor } from '../../src/reactors/log-reactor.js';
import { type MailReactorOptions, startMailReactor } from '../../src/reactors/mail.js';
import { World } from '../commands/world.js';
import { idOf } from '../domain/specification.js';
import { freePorts } from '../fixtures/free-ports.js';
import { MailServer, type ReceivedMail, reply } from '../mail/mail-server.js';
import { parts } from '../mail/mime.js';
import { withoutRecord } from './reactor-world.js';

const patient = { timeout: 10_000, interval: 5 };
const hour = 60 * 60 * 1_000;
const requestId = idOf(7);
const quick = { firstMs: 1, longestMs: 20 };

/** People with accounts, and a reactor that writes to them by an SMTP server. */
class MailWorld {
  readonly tokens: InternalTokens;
  /** What was logged, at every level. */
  logged = '';
  readonly #logger: Logger;

  static async open(): Promise<MailWorld> {
    const world = await World.open();
    return new MailWorld(world, await world.process(), await InternalTokens.open(world.keys));
  }

  private constructor(
    readonly world: World,
    readonly pipeline: Pipeline,
    tokens: InternalTokens,
  ) {
    this.tokens = tokens;
    const keep = new Writable({
      write: (line, _encoding, written) => {
        this.logged += line;
        written();
      },
    });
    this.#logger = pino({ level: 'trace' }, keep);
  }

  /** @param server - where mails are handed over */
  async start(server: SmtpOptions, options: Partial<MailReactorOptions> = {}): Promise<LogReactor> {
    const transport = openSmtp(server);
    onTestFinished(() => transport.close());
    const reactor = await startMailReactor({
      eventStore: memoryEventStore(this.world.log),
      codec: createCodec(this.world.keys),
      commands: this.pipeline,
      logger: this.#logger,
      transport,
      tokens: this.tokens,
      linkBase: 'https://talk.example/app',
      retry: quick,
      unblock: quick,
      ...options,
    });
    onTestFinished(() => reactor.stop());
    return reactor;
  }

  /** @returns the new account's id */
  async register(name: string, more: object = {}, request: Partial<CommandRequest> = {}): Promise<string> {
    const input = {
      email: { address: `${name}@example.org`, reservation: `e-${name}` },
      name,
      passwordHash: 'hash',
      usernames: [{ username: name, reservation: `u-${name}` }],
      ...more,
    };
    const { id } = await this.execute('identity.RegisterAccount', input, request);
    return id;
  }

  /** Has a mail let the person set a password. */
  resetPassword(personId: string, expiresIn = hour): Promise<CommandReply> {
    return this.execute('identity.RequestPasswordReset', { personId, ...mailed(expiresIn) });
  }

  execute(type: CommandRequest['type'], input: object, request: Partial<CommandRequest> = {}): Promise<CommandReply> {
    return this.pipeline.execute({ type, input, actor: { id: 'system' }, ...request });
  }

  /** The reactor's own events. */
  async progress(): Promise<{ type: string; data: unknown }[]> {
    return (await this.world.events()).filter(({ stream }) => stream === 'reactor-mail');
  }

  async idOfLast(type: string): Promise<string | undefined> {
    return (await this.world.events()).findLast((event) => event.type === type)?.id;
  }
}

function mailed(expiresIn = hour) {
  return { requestId, expiresAt: new Date(Date.now() + expiresIn).toISOString() };
}

function linkIn({ message }: ReceivedMail): URL {
  const [text = ''] = parts(message);
  return new URL(/https:\/\/\S+/.exec(text)?.[0] as string);
}

async function openWithServer(): Promise<{ world: MailWorld; server: MailServer }> {
  const server = await MailServer.start();
  const world = await MailWorld.open();
  await world.start(server.settings);
  return { world, server };
}

describe('somebody who registers', () => {
  it('is asked whether the address is theirs, by a link whose token says so', async () => {
    const { world, server } = await openWithServer();
    const personId = await world.register('ann', { verification: mailed() });
    await expect.poll(() => server.mails, patient).toHaveLength(1);
    const [mail] = server.mails as [ReceivedMail];
    expect(mail.to).toEqual(['ann@example.org']);
    expect(mail.header('subject')).toBe('Confirm your e-mail address');
    const id = await world.idOfLast('identity.EmailVerificationRequested');
    expect(mail.header('message-id')).toBe(`<${id}@talk.example>`);
    const link = linkIn(mail);
    expect(`${link.origin}${link.pathname}`).toBe('https://talk.example/app/verify-email');
    const facts = await world.tokens.verify('verify-email', link.searchParams.get('token') as string);
    expect(facts).toMatchObject({ personId, jti: requestId });
    expect(parts(mail.message)[1]).toContain(`href="${link}"`);
  });

  it('with an address that has an account leaves its owner a mail', async () => {
    const { world, server } = await openWithServer();
    const personId = await world.register('ann');
    await world.execute('identity.ReportRegistrationAttempt', { personId });
    await expect.poll(() => server.mails, patient).toHaveLength(1);
    expect(server.mails[0]?.to).toEqual(['ann@example.org']);
    expect(server.mails[0]?.header('subject')).toBe('You have an account already');
    expect(server.mails[0]?.message).not.toContain('http');
  });

  it('is written nothing where nothing is asked', async () => {
    const { world, server } = await openWithServer();
    await world.register('ann');
    await world.register('bob', { verification: mailed() });
    await expect.poll(() => server.mails, patient).toHaveLength(1);
    expect(server.mails[0]?.to).toEqual(['bob@example.org']);
  });

  it('has a name that nobody is mailed: anyone can register with the address of somebody else', async () => {
    const { world, server } = await openWithServer();
    await world.register('ann', { name: 'Win at https://evil.example', verification: mailed() });
    await expect.poll(() => server.mails, patient).toHaveLength(1);
    expect(parts(server.mails[0]?.message ?? '').join()).not.toContain('evil');
  });
});

describe('a password', () => {
  it('is chosen anew by a link that goes to the account’s address', async () => {
    const { world, server } = await openWithServer();
    const personId = await world.register('ann');
    await world.resetPassword(personId);
    await expect.poll(() => server.mails, patient).toHaveLength(1);
    const [mail] = server.mails as [ReceivedMail];
    expect(mail.to).toEqual(['ann@example.org']);
    expect(linkIn(mail).pathname).toBe('/app/reset-password');
    const token = linkIn(mail).searchParams.get('token') as string;
    expect(await world.tokens.verify('reset-password', token)).toMatchObject({ personId, jti: requestId });
    expect(await world.tokens.verify('verify-email', token)).toBeUndefined();
  });

  it('can be chosen until a time that is told as it is where the person was when they asked', async () => {
    const server = await MailServer.start();
    const world = await MailWorld.open();
    // It goes on from here, once the person has moved again.
    await (await world.start(server.settings)).stop();
    const personId = await world.register('ann');
    const move = (timeZone: string, locale: string) =>
      world.execute('identity.ChangeProfile', { personId, name: 'Ann', avatar: null, timeZone, locale });
    await move('Europe/Berlin', 'en-GB');
    const expiresAt = '2200-01-01T12:00:00.000Z';
    await world.execute('identity.RequestPasswordReset', { personId, requestId, expiresAt });
    await move('Asia/Kolkata', 'en');
    await world.start(server.settings);
    await expect.poll(() => server.mails, patient).toHaveLength(1);
    expect(parts(server.mails[0]?.message ?? '')[0]).toContain('until 1 January 2200 at 13:00 (Europe/Berlin)');
  });

  it('is chosen by the person for whom an account was made', async () => {
    const { world, server } = await openWithServer();
    await world.register('ann', { passwordHash: null, invitation: mailed() });
    await expect.poll(() => server.mails, patient).toHaveLength(1);
    expect(server.mails[0]?.header('subject')).toBe('An account was made for you');
    expect(linkIn(server.mails[0] as ReceivedMail).pathname).toBe('/app/reset-password');
  });

  it('that was changed is told of, one that is the same under a newer hash is not', async () => {
    const { world, server } = await openWithServer();
    const personId = await world.register('ann');
    const renewal = { personId, passwordHash: 'newer', formerRevision: 0 };
    await world.execute('identity.RenewPasswordHash', renewal);
    await world.resetPassword(personId);
    await world.execute('identity.ResetPassword', { personId, requestId, passwordHash: 'another' });
    await expect.poll(() => subjects(server), patient).toEqual(['Choose a new password', 'Your password was changed']);
  });
});

describe('an address', () => {
  it('that is to be changed is asked, and the former one is told once it is', async () => {
    const { world, server } = await openWithServer();
    const personId = await world.register('ann');
    const next = { address: 'anna@example.net', reservation: 'e-anna' };
    const input = { personId, purpose: 'change', email: next.address, ...mailed() };
    await world.execute('identity.RequestEmailVerification', input);
    await expect.poll(() => server.mails, patient).toHaveLength(1);
    expect(server.mails[0]?.to).toEqual(['anna@example.net']);
    const link = linkIn(server.mails[0] as ReceivedMail);
    expect(link.pathname).toBe('/app/verify-email');
    const facts = await world.tokens.verify('change-email', link.searchParams.get('token') as string);
    expect(facts).toMatchObject({ personId, jti: requestId });
    await world.execute('identity.ChangeEmail', {
      personId,
      email: next,
      formerReservation: 'e-ann',
      formerRevision: 0,
      requestId,
    });
    await expect.poll(() => server.mails, patient).toHaveLength(2);
    expect(server.mails[1]?.to).toEqual(['ann@example.org']);
    expect(server.mails[1]?.message).not.toContain('anna');
    await world.resetPassword(personId);
    await expect.poll(() => server.mails, patient).toHaveLength(3);
    expect(server.mails[2]?.to).toEqual(['anna@example.net']);
  });

  it('that there is none of is written nothing', async () => {
    const { world, server } = await openWithServer();
    const personId = await world.register('ann', { email: null });
    await world.resetPassword(personId);
    await world.resetPassword(await world.register('bob'));
    await expect.poll(() => server.mails, patient).toHaveLength(1);
    expect(server.mails[0]?.to).toEqual(['bob@example.org']);
  });
});

describe('nobody is written to', () => {
  it('about what is imported', async () => {
    const { world, server } = await openWithServer();
    await world.register('ann', { verification: mailed() }, { origin: 'import', occurredAt: Date.now() });
    await world.register('bob', { verification: mailed() });
    await expect.poll(() => server.mails, patient).toHaveLength(1);
    expect(server.mails[0]?.to).toEqual(['bob@example.org']);
  });

  it('once they were forgotten', async () => {
    const { world, server } = await openWithServer();
    const personId = await world.register('ann');
    await world.world.keys.destroy([personId]);
    await world.resetPassword(personId);
    await world.resetPassword(await world.register('bob'));
    await expect.poll(() => server.mails, patient).toHaveLength(1);
    expect(server.mails[0]?.to).toEqual(['bob@example.org']);
  });

  it('with a link that does nothing any more', async () => {
    const { world, server } = await openWithServer();
    await world.resetPassword(await world.register('ann'), -1_000);
    await world.resetPassword(await world.register('bob'));
    await expect.poll(() => server.mails, patient).toHaveLength(1);
    expect(server.mails[0]?.to).toEqual(['bob@example.org']);
    await expect.poll(() => world.progress(), patient).toContainEqual(givenUp('expired'));
  });
});

describe('a mail', () => {
  it('that is deferred is sent again as the same, while others are sent', async () => {
    let tries = 0;
    const server = await MailServer.start({
      onRecipient(address) {
        if (address !== 'ann@example.org') return undefined;
        tries += 1;
        return tries < 4 ? reply(450, '4.2.1 try later') : undefined;
      },
    });
    const world = await MailWorld.open();
    await world.start(server.settings);
    await world.resetPassword(await world.register('ann'));
    const id = await world.idOfLast('identity.PasswordResetRequested');
    await world.resetPassword(await world.register('bob'));
    await expect
      .poll(() => server.mails.map(({ to }) => to[0]).sort(), patient)
      .toEqual(['ann@example.org', 'bob@example.org']);
    const mail = server.mails.find(({ to }) => to[0] === 'ann@example.org');
    expect(mail?.header('message-id')).toBe(`<${id}@talk.example>`);
  });

  it('that is refused is given up, and the log says so; others are sent', async () => {
    const server = await MailServer.start({
      onRecipient: (address) => (address === 'ann@example.org' ? reply(550, '5.1.1 ann@example.org?') : undefined),
    });
    const world = await MailWorld.open();
    const reactor = await world.start(server.settings);
    await world.resetPassword(await world.register('ann'));
    await world.resetPassword(await world.register('bob'));
    await expect.poll(() => server.mails, patient).toHaveLength(1);
    await expect.poll(() => reactor.open, patient).toBe(0);
    await expect.poll(() => world.progress(), patient).toContainEqual(givenUp('RCPT TO 550 5.1.1'));
  });

  it('waits for a server that is down, also through a restart', async () => {
    const [port] = (await freePorts(1)) as [number];
    const world = await MailWorld.open();
    const settings = { ...(await MailServer.start()).settings, port };
    const before = await world.start(settings);
    await world.resetPassword(await world.register('ann'));
    await world.resetPassword(await world.register('bob'));
    await expect.poll(() => before.blockedBy, patient).toBe('CONN ECONNREFUSED');
    await before.stop();
    const after = await world.start(settings);
    await expect.poll(() => after.blockedBy, patient).toBe('CONN ECONNREFUSED');
    const server = await MailServer.start({ port });
    await expect
      .poll(() => server.mails.map(({ to }) => to[0]).sort(), patient)
      .toEqual(['ann@example.org', 'bob@example.org']);
  });

  it('that was sent by a process which died before it could say so is sent again as the same', async () => {
    const server = await MailServer.start();
    const world = await MailWorld.open();
    const died = await world.start(server.settings, { commands: withoutRecord(world.pipeline) });
    await world.register('ann', { verification: mailed() });
    await expect.poll(() => server.mails, patient).toHaveLength(1);
    await died.stop();
    await world.start(server.settings);
    await expect.poll(() => server.mails, patient).toHaveLength(2);
    const [first, second] = server.mails as [ReceivedMail, ReceivedMail];
    expect(second.header('message-id')).toBe(first.header('message-id'));
    expect(second.header('date')).toBe(first.header('date'));
    expect(parts(second.message)).toEqual(parts(first.message));
  });
});

it('logs and the log tell no address, no token and no password, whatever happens', async () => {
  const login = { username: 'mail-user', password: 'seeded-mail-password' };
  const world = await MailWorld.open();
  const answers = [reply(450, '4.2.1 ann@example.org later'), reply(550, '5.1.1 ann@example.org never')];
  const server = await MailServer.start({ login, onRecipient: () => answers.shift() });
  const wrong = await world.start({ ...server.settings, login: { ...login, password: 'seeded-wrong-password' } });
  await world.register('ann', { verification: mailed() });
  await expect.poll(() => wrong.blockedBy, patient).toBe('AUTH PLAIN 535 5.7.8');
  await wrong.stop();
  const right = await world.start({ ...server.settings, login });
  await expect.poll(() => world.progress(), patient).toContainEqual(givenUp('RCPT TO 550 5.1.1'));
  await world.resetPassword(await world.register('bob'));
  await expect.poll(() => server.mails, patient).toHaveLength(1);
  await expect.poll(() => right.open, patient).toBe(0);
  const token = linkIn(server.mails[0] as ReceivedMail).searchParams.get('token') as string;
  const stored = await memoryEventStore(world.world.log).readAll(0n, 1_000);
  const written = world.logged + JSON.stringify(stored.map(({ data, metadata, stream }) => [data, metadata, stream]));
  expect(world.logged).toContain('a reaction was given up');
  for (const secret of ['example.org', 'seeded', 'mail-user', token, 'eyJ']) expect(written).not.toContain(secret);
});

function subjects({ mails }: MailServer): (string | undefined)[] {
  return mails.map((mail) => mail.header('subject')).sort();
}

function givenUp(reason: string) {
  const data = expect.objectContaining({
    stream: expect.stringMatching(new RegExp(`^${streamName('account', '')}`)),
    reason,
  });
  return expect.objectContaining({ type: 'reactors.ReactionGivenUp', data });
}
