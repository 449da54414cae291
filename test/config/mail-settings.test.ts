import { describe, expect, it } from 'vitest';
import { InvalidConfig, parseConfig } from '../../src/config.js';

const server = { MAIL_SERVER: 'mail.example.org', MAIL_FROM: 'Our talks <talk@example.org>' };
const login = { MAIL_USERNAME: 'talk', MAIL_PASSWORD: 'a password' };
const production = {
  NODE_ENV: 'production',
  JWT_SECRET: 'qJ8v2LxT5bN7wZ3kR9mC4hF6sD1gP0yU',
  PARLEY_MASTER_KEY: 'b1N2c3J0dXZ3eHl6QUJDREVGR0hJSktMTU5PUFFSU1Q=',
};

function faultsOf(settings: Record<string, unknown>): readonly string[] {
  try {
    parseConfig(settings);
    return [];
  } catch (error) {
    return (error as InvalidConfig).faults;
  }
}

describe('mails', () => {
  it('go to a server by STARTTLS on port 587', () => {
    expect(parseConfig({ ...server, ...login }).mail).toEqual({
      kind: 'smtp',
      smtp: {
        host: 'mail.example.org',
        port: 587,
        security: 'starttls',
        login: { username: 'talk', password: 'a password' },
        from: { name: 'Our talks', address: 'talk@example.org' },
      },
    });
  });

  it.each([
    [{ MAIL_PORT: '465' }, 'tls'],
    [{ MAIL_PORT: '2525', MAIL_USE_TLS: 'true' }, 'starttls'],
    [{ MAIL_USE_TLS: 'false' }, 'none'],
    [{ MAIL_PORT: 25, MAIL_USE_TLS: false }, 'none'],
  ])('are secured as %j says', (settings, security) => {
    expect(parseConfig({ ...server, ...settings }).mail).toMatchObject({ smtp: { security, login: undefined } });
  });

  it('go into a folder without a server in development, else nowhere', () => {
    expect(parseConfig({}).mail).toEqual({ kind: 'folder', from: { name: 'Parley', address: 'parley@localhost' } });
    expect(parseConfig(production).mail).toEqual({ kind: 'none' });
    expect(parseConfig({ NODE_ENV: 'test' }).mail).toEqual({ kind: 'none' });
  });

  it.each([
    ['talk@example.org', { name: '', address: 'talk@example.org' }],
    ['"Talks, and more" <talk@example.org>', { name: 'Talks, and more', address: 'talk@example.org' }],
    ['Gespräche 会話 <talk@example.org>', { name: 'Gespräche 会話', address: 'talk@example.org' }],
  ])('come from %s', (MAIL_FROM, from) => {
    expect(parseConfig({ ...server, MAIL_FROM }).mail).toMatchObject({ smtp: { from } });
  });

  it.each([
    [{ MAIL_FROM: 'talk' }, 'MAIL_FROM: must be an address such as Talks <talk@example.org>'],
    [{ MAIL_FROM: 'a@example.org, b@example.org' }, 'MAIL_FROM: must be an address such as Talks <talk@example.org>'],
    [{ MAIL_FROM: 'Talk\r\nBcc: x <a@example.org>' }, 'MAIL_FROM: must be an address such as Talks <talk@example.org>'],
    [{ MAIL_FROM: undefined }, 'MAIL_FROM: must be set where MAIL_SERVER is'],
    [{ MAIL_USERNAME: 'talk' }, 'MAIL_PASSWORD: must be set where the other is'],
    [{ MAIL_PASSWORD: 'x' }, 'MAIL_USERNAME: must be set where the other is'],
    [
      { ...login, MAIL_USE_TLS: 'false' },
      'MAIL_USE_TLS: must be true where MAIL_PASSWORD is set, which would travel in clear',
    ],
    [{ MAIL_USE_TLS: 'perhaps' }, 'MAIL_USE_TLS: must be true or false'],
    [production, 'PARLEY_LINK_BASE: must be set, or FRONTEND_URL, since mails hold links'],
  ])('are refused by %j', (settings, fault) => {
    expect(faultsOf({ ...server, ...settings })).toEqual([fault]);
  });

  it('are needed in production where addresses must be verified', () => {
    const PARLEY_EMAIL_VERIFICATION = 'required';
    const fault = 'MAIL_SERVER: must be set where PARLEY_EMAIL_VERIFICATION is required';
    expect(faultsOf({ ...production, PARLEY_EMAIL_VERIFICATION })).toEqual([fault]);
    expect(faultsOf({ PARLEY_EMAIL_VERIFICATION })).toEqual([]);
  });

  it('hold links to the first front end, unless told otherwise', () => {
    const FRONTEND_URL = 'https://a.example,https://b.example';
    expect(parseConfig({ FRONTEND_URL }).linkBase).toBe('https://a.example');
    expect(parseConfig({ FRONTEND_URL, PARLEY_LINK_BASE: 'https://c.example/talk/' }).linkBase).toBe(
      'https://c.example/talk',
    );
    expect(parseConfig({ PARLEY_LINK_BASE: 'https://a.example/#/' }).linkBase).toBe('https://a.example/#');
    expect(parseConfig({}).linkBase).toBeUndefined();
    for (const PARLEY_LINK_BASE of ['talk', 'javascript:alert(1)', 'https://a.example/?x=']) {
      expect(faultsOf({ PARLEY_LINK_BASE })).toEqual([expect.stringMatching(/^PARLEY_LINK_BASE: must be a URL/)]);
    }
  });
});
