import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { MailTransport } from '../../src/mail/port.js';
import { openSmtp, type SmtpOptions } from '../../src/mail/smtp.js';
import { mail } from '../contract/mail.js';
import { certificateFor } from '../fixtures/certificate.js';
import { freePorts } from '../fixtures/free-ports.js';
import { MailServer, reply } from './mail-server.js';

const login = { username: 'parley', password: 'seeded-mail-password' };

function open(options: SmtpOptions): MailTransport {
  const transport = openSmtp(options);
  onTestFinished(() => transport.close());
  return transport;
}

describe('a mail that is taken', () => {
  it('goes over a connection that is there already', async () => {
    const server = await MailServer.start();
    const transport = open(server.settings);
    for (let number = 0; number < 5; number += 1) await transport.send(mail);
    expect(server.mails).toHaveLength(5);
    expect(server.sessions).toBe(1);
  });

  it('is not lost with a connection that the server has closed meanwhile', async () => {
    const server = await MailServer.start();
    const transport = open(server.settings);
    await transport.send(mail);
    await server.stop();
    const again = await MailServer.start({ port: server.port });
    expect(await transport.send(mail)).toEqual({ outcome: 'taken' });
    expect(again.mails).toHaveLength(1);
  });
});

describe('a connection', () => {
  it('is secured by STARTTLS before anything is said', async () => {
    const server = await MailServer.start({ login });
    await open({ ...server.settings, login }).send(mail);
    expect(server.mails[0]).toMatchObject({ secure: true, username: login.username });
    expect(server.logins).toEqual([{ secure: true, password: login.password }]);
  });

  it('is secured from its first byte where the server asks for that', async () => {
    const server = await MailServer.start({ login, secure: true });
    await open({ ...server.settings, login, security: 'tls' }).send(mail);
    expect(server.mails[0]).toMatchObject({ secure: true, username: login.username });
  });

  it('that the server does not secure says nothing in clear', async () => {
    const server = await MailServer.start({
      login,
      hideSTARTTLS: true,
      disabledCommands: ['STARTTLS'],
      allowInsecureAuth: true,
    });
    expect(await open({ ...server.settings, login }).send(mail)).toMatchObject({ outcome: 'unavailable' });
    expect(server.logins).toEqual([]);
    expect(server.mails).toEqual([]);
  });

  it.each([
    ['that nobody vouches for', certificateFor('127.0.0.1')],
    ['for another address', undefined],
    ['that has expired', certificateFor('127.0.0.1', Date.now() - 60_000)],
  ])('is refused to a server with a certificate %s', async (what, certificate) => {
    const { cert, key } = certificate ?? certificateFor('10.0.0.1');
    const server = await MailServer.start({ login, key, cert });
    const trust = what === 'that nobody vouches for' ? {} : { trustedCertificates: cert };
    const delivery = await open({ ...server.settings, login, ...trust }).send(mail);
    expect(delivery).toMatchObject({ outcome: 'unavailable' });
    expect(server.logins).toEqual([]);
    expect(server.mails).toEqual([]);
  });

  it('is in clear, and without a login, where that is asked for', async () => {
    const server = await MailServer.start({ disabledCommands: ['STARTTLS', 'AUTH'] });
    expect(await open({ ...server.settings, security: 'none' }).send(mail)).toEqual({ outcome: 'taken' });
    expect(server.mails[0]?.secure).toBe(false);
  });
});

describe('a mail that is not taken', () => {
  it('is refused for good with a 5xx reply about its recipient, and others are taken', async () => {
    const server = await MailServer.start({
      onRecipient: (address) =>
        address === 'gone@example.org' ? reply(550, '5.1.1 gone@example.org is gone') : undefined,
    });
    const transport = open(server.settings);
    expect(await transport.send({ ...mail, to: 'gone@example.org' })).toEqual({
      outcome: 'refused',
      reason: 'RCPT TO 550 5.1.1',
    });
    expect(await transport.send(mail)).toEqual({ outcome: 'taken' });
  });

  it('is refused for good with a 5xx reply about the message', async () => {
    const server = await MailServer.start({ onMessage: () => reply(554, '5.6.0 not this') });
    expect(await open(server.settings).send(mail)).toEqual({ outcome: 'refused', reason: 'DATA 554 5.6.0' });
  });

  it.each([
    ['recipient', 'RCPT TO 451 4.7.1'],
    ['message', 'DATA 451 4.7.1'],
  ])('is deferred with a 4xx reply about its %s, and taken later', async (step, reason) => {
    let tries = 0;
    const answer = () => {
      tries += 1;
      return tries === 1 ? reply(451, '4.7.1 try later') : undefined;
    };
    const server = await MailServer.start(step === 'recipient' ? { onRecipient: answer } : { onMessage: answer });
    const transport = open(server.settings);
    expect(await transport.send(mail)).toEqual({ outcome: 'deferred', reason });
    expect(await transport.send(mail)).toEqual({ outcome: 'taken' });
  });

  it('is not to blame when the sender is refused, or the server wants to go: no other would be taken', async () => {
    const strict = await MailServer.start({ onSender: () => reply(550, '5.7.1 who are you') });
    expect(await open(strict.settings).send(mail)).toEqual({ outcome: 'unavailable', reason: 'MAIL FROM 550 5.7.1' });
    const leaving = await MailServer.start({ onRecipient: () => reply(421, '4.3.2 going down') });
    expect(await open(leaving.settings).send(mail)).toMatchObject({ outcome: 'unavailable' });
    const closed = await MailServer.start({ onRecipient: () => reply(530, '5.7.0 log in first') });
    expect(await open(closed.settings).send(mail)).toEqual({ outcome: 'unavailable', reason: 'RCPT TO 530 5.7.0' });
  });

  it('is not to blame when the login is wrong, of which nothing is told', async () => {
    const server = await MailServer.start({ login: { ...login, password: 'another' } });
    const delivery = await open({ ...server.settings, login }).send(mail);
    expect(delivery).toEqual({ outcome: 'unavailable', reason: 'AUTH PLAIN 535 5.7.8' });
    expect(JSON.stringify(delivery)).not.toContain(login.password);
  });

  it('waits for a server that is down, and is taken once it is up', async () => {
    const [port] = (await freePorts(1)) as [number];
    const down = { ...(await MailServer.start()).settings, port };
    const transport = open(down);
    expect(await transport.send(mail)).toEqual({ outcome: 'unavailable', reason: 'CONN ECONNREFUSED' });
    const server = await MailServer.start({ port });
    expect(await transport.send(mail)).toEqual({ outcome: 'taken' });
    expect(server.mails).toHaveLength(1);
  });

  it('does not wait for ever for a server that is silent', async () => {
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    onTestFinished(() => void silent.close());
    await new Promise((resolve) => silent.once('listening', resolve));
    const { port } = silent.address() as { port: number };
    const delivery = await open({ ...(await MailServer.start()).settings, port, connectMs: 50 }).send(mail);
    expect(delivery).toEqual({ outcome: 'unavailable', reason: 'CONN ETIMEDOUT' });
  });
});
