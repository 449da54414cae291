import { describe, expect, it, onTestFinished } from 'vitest';
import { freePorts } from '../fixtures/free-ports.js';
import { findServer } from '../fixtures/servers/find-server.js';
import { nats } from '../fixtures/servers/nats.js';
import { MailServer, trusted } from '../mail/mail-server.js';
import { CommandLine } from './parley.js';

const natsSource = await findServer(nats, 'what doctor tells of NATS');

interface Check {
  readonly name: string;
  readonly verdict: string;
  readonly detail: string;
}

/** What doctor says of one thing, and how it ends. */
async function examined(
  settings: NodeJS.ProcessEnv,
  name: string,
): Promise<Check & { readonly exitCode: number | null }> {
  const parley = await CommandLine.open(settings);
  const { exitCode, result } = await parley.json<{ checks: Check[] }>('doctor');
  expect(JSON.stringify(result)).not.toContain('s3cret');
  return { exitCode, ...(result.checks.find((check) => check.name === name) as Check) };
}

describe('doctor tells of the mail server', () => {
  const login = { username: 'parley', password: 's3cret-of-the-mail-server' };
  const settingsFor = ({ port }: { port: number }) => ({
    MAIL_SERVER: '127.0.0.1',
    MAIL_PORT: String(port),
    MAIL_FROM: 'Talks <talk@example.org>',
    MAIL_USERNAME: login.username,
    MAIL_PASSWORD: login.password,
  });
  /** A file that the process trusts. */
  async function vouching(): Promise<NodeJS.ProcessEnv> {
    const file = await (await CommandLine.open()).write('ca.pem', trusted.cert);
    return { NODE_EXTRA_CA_CERTS: file };
  }

  it('who it is, and that it would take mails, without sending one', async () => {
    const server = await MailServer.start({ login, name: 'mail.talk.example' });
    expect(await examined({ ...settingsFor(server), ...(await vouching()) }, 'mail')).toMatchObject({
      exitCode: 0,
      verdict: 'ok',
      detail: `SMTP server mail.talk.example at 127.0.0.1:${server.port}, encrypted, login accepted`,
    });
    expect(server.logins).toHaveLength(1);
    expect(server.mails).toEqual([]);
  });

  it('at which step it fails, as a finding', async () => {
    const server = await MailServer.start({ login: { ...login, password: 'another' } });
    const settings = { ...settingsFor(server), ...(await vouching()) };
    expect(await examined(settings, 'mail')).toMatchObject({
      exitCode: 7,
      verdict: 'fail',
      detail: `the server at 127.0.0.1:${server.port} takes no mail of ours: AUTH PLAIN 535 5.7.8`,
    });
    // Nobody vouches for it here.
    expect(await examined(settingsFor(server), 'mail')).toMatchObject({ exitCode: 7, verdict: 'fail' });
  });

  it('that it takes no login although there is one', async () => {
    const server = await MailServer.start({ disabledCommands: ['AUTH'] });
    const { exitCode, verdict, detail } = await examined({ ...settingsFor(server), ...(await vouching()) }, 'mail');
    expect({ exitCode, verdict }).toEqual({ exitCode: 0, verdict: 'warn' });
    expect(detail).toContain('takes no login, but MAIL_USERNAME is set');
  });

  it('that there is none', async () => {
    const production = {
      NODE_ENV: 'production',
      PARLEY_MASTER_KEY: 'Q1fZ8pU0m5rGx2vJ7bN4cT9sW6kE3hL1yA0dO5iM8qo=',
    };
    expect(await examined({}, 'mail')).toMatchObject({
      verdict: 'ok',
      detail: expect.stringContaining('none are sent'),
    });
    expect(await examined({ NODE_ENV: 'development' }, 'mail')).toMatchObject({
      verdict: 'ok',
      detail: expect.stringContaining('written to files'),
    });
    expect(await examined(production, 'mail')).toMatchObject({ exitCode: 0, verdict: 'warn' });
  });
});

describe('doctor tells of NATS', () => {
  it.skipIf(!natsSource)('its place, its version, and how large messages may be', async () => {
    const server = await natsSource?.start();
    onTestFinished(() => server?.stop());
    const { exitCode, verdict, detail } = await examined({ PARLEY_BROKER: server?.url }, 'broker');
    expect({ exitCode, verdict }).toEqual({ exitCode: 0, verdict: 'ok' });
    expect(detail).toMatch(/^NATS 2\.\d+\.\d+\S* at \S+:\d+, messages up to [\d,]+ KiB/);
  });

  it('that none answers, without a word of the password', async () => {
    const [port] = await freePorts(1);
    const settings = { PARLEY_BROKER: `nats://ann:s3cret@127.0.0.1:${port}` };
    const { exitCode, verdict, detail } = await examined(settings, 'broker');
    expect({ exitCode, verdict }).toEqual({ exitCode: 7, verdict: 'fail' });
    expect(detail).toContain(`nats://127.0.0.1:${port}/parley is out of reach: `);
  });
});
