import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { inspectSmtp } from '../../src/mail/smtp-inspection.js';
import { certificateFor } from '../fixtures/certificate.js';
import { freePorts } from '../fixtures/free-ports.js';
import { MailServer, type MailServerOptions } from './mail-server.js';

const login = { username: 'parley', password: 'seeded-mail-password' };
const name = 'mail.talk.example';

/** Nothing is ever sent. */
async function start(options: MailServerOptions = {}): Promise<MailServer> {
  const server = await MailServer.start({ name, ...options });
  onTestFinished(() => expect(server.mails).toEqual([]));
  return server;
}

describe('an SMTP server that is inspected', () => {
  it('is named as it names itself, and logged in to over TLS', async () => {
    const server = await start({ login });
    expect(await inspectSmtp({ ...server.settings, login })).toEqual({ name, encrypted: true, login: 'accepted' });
    expect(server.logins).toEqual([{ secure: true, password: login.password }]);
  });

  it('may speak TLS from its first byte', async () => {
    const server = await start({ login, secure: true });
    const inspection = await inspectSmtp({ ...server.settings, login, security: 'tls' });
    expect(inspection).toEqual({ name, encrypted: true, login: 'accepted' });
  });

  it('may need neither TLS nor a login', async () => {
    const server = await start({ disabledCommands: ['STARTTLS', 'AUTH'] });
    const inspection = await inspectSmtp({ ...server.settings, security: 'none' });
    expect(inspection).toEqual({ name, encrypted: false, login: 'none' });
  });

  it('may take no login where there is one', async () => {
    const server = await start({ disabledCommands: ['AUTH'] });
    expect(await inspectSmtp({ ...server.settings, login })).toMatchObject({ login: 'missing' });
  });

  it('refuses a wrong login, of which nothing is told', async () => {
    const server = await start({ login: { ...login, password: 'another' } });
    await expect(inspectSmtp({ ...server.settings, login })).rejects.toThrow(/^AUTH PLAIN 535 5\.7\.8$/);
  });

  it('is told nothing in clear where it should offer TLS', async () => {
    const server = await start({ login, hideSTARTTLS: true, disabledCommands: ['STARTTLS'], allowInsecureAuth: true });
    await expect(inspectSmtp({ ...server.settings, login })).rejects.toThrow(/^STARTTLS /);
    expect(server.logins).toEqual([]);
  });

  it('is not trusted with a certificate that nobody vouches for', async () => {
    const server = await start({ login, ...certificateFor('127.0.0.1') });
    await expect(inspectSmtp({ ...server.settings, login })).rejects.toThrow('SELF_SIGNED_CERT');
    expect(server.logins).toEqual([]);
  });

  it('may be down, or silent', async () => {
    const { settings } = await start();
    const [port] = (await freePorts(1)) as [number];
    await expect(inspectSmtp({ ...settings, port })).rejects.toThrow('CONN ECONNREFUSED');
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    onTestFinished(() => void silent.close());
    await new Promise((resolve) => silent.once('listening', resolve));
    const silentPort = (silent.address() as { port: number }).port;
    await expect(inspectSmtp({ ...settings, port: silentPort, connectMs: 50 })).rejects.toThrow('CONN ETIMEDOUT');
  });
});
