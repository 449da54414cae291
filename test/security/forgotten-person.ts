import { totpCode } from '../../src/auth/totp.js';
import { type Answer, type CallOptions, call } from '../fixtures/api-client.js';
import type { MailServer } from '../mail/mail-server.js';
import { parts } from '../mail/mime.js';

/** From where Ada comes, as a trusted proxy tells. */
const whence = { 'x-forwarded-for': '203.0.113.77', 'user-agent': 'Uamark/1.0 (Device of hers)' };

const told = {
  name: 'Adamark Lovelace',
  avatar: 'https://pictures.example/avatarmark.png',
  timeZone: 'Antarctica/Troll',
  locale: 'de-AT-x-localem',
};

/** What is hers, as it would stand in a file in clear. */
export const personal = {
  'first name': 'Firstmark Lovelace',
  ...told,
  'first address': 'firstmark@adas.example',
  address: 'adamark@adas.example',
  'first user name': 'firstusermark',
  'user name': 'usermarkada',
  settings: 'settingsmark of hers',
  'a message': 'messagemark: what she wrote',
  'a deleted message': 'deletedmark: what she took back',
  'why she left': 'leavemark: she has had enough',
  'why she was shut out': 'shutmark: a misunderstanding',
  device: 'Uamark/1.0',
  'address of her device': '203.0.113.77',
};

export const messagesPosted = 560;

/** Someone who leaves traces wherever one can, with the secrets that she has been told or has chosen. */
export class Ada {
  id = '';
  token = '';
  /** What must never stand anywhere in clear. */
  readonly secrets: Record<string, string> = {
    password: 'passwordmark of hers',
    'first password': 'firstpasswordmark of hers',
  };

  constructor(
    readonly url: string,
    private readonly mails: MailServer,
  ) {}

  async ask(method: string, path: string, body?: unknown, options: CallOptions = {}): Promise<Answer> {
    const headers = { ...whence, ...options.headers };
    const answer = await call(this.url, method, path, { token: this.token || undefined, body, ...options, headers });
    if (answer.status >= 500) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`);
    return answer;
  }

  /** @throws if it is refused */
  async do(method: string, path: string, body?: unknown, options: CallOptions = {}): Promise<Answer['body']> {
    const answer = await this.ask(method, path, body, options);
    if (answer.status >= 400) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  async register(): Promise<void> {
    const answer = await this.ask('POST', 'auth/register', {
      email: personal['first address'],
      name: personal['first name'],
      username: personal['first user name'],
      password: this.secrets['first password'],
    });
    this.#keep('first', answer);
    this.id = answer.body.user.id;
  }

  /** The credentials of an answer. */
  #keep(which: string, { body, headers }: Answer): void {
    this.token = body.accessToken;
    this.secrets[`${which} access token`] = body.accessToken;
    this.secrets[`${which} refresh token`] = body.refreshToken;
    const [, cookie = ''] = /parley_session=([^;]+)/.exec(headers.getSetCookie().join(';')) ?? [];
    this.secrets[`${which} cookie`] = cookie;
  }

  async tellOfHerself(): Promise<void> {
    await this.do('PATCH', 'users/me', { ...told, username: personal['user name'] });
    await this.do('PUT', 'users/me/settings', { note: personal.settings });
    await this.do('POST', 'auth/change-email', {
      email: personal.address,
      password: this.secrets['first password'],
    });
    await this.do('POST', 'auth/change-password', {
      currentPassword: this.secrets['first password'],
      newPassword: this.secrets.password,
    });
  }

  /** Turns on a second factor, and logs in with it. */
  async enrol(): Promise<void> {
    const { secret } = await this.do('POST', 'auth/mfa/totp', { password: this.secrets.password });
    const { recoveryCodes } = await this.do('POST', 'auth/mfa/totp/confirm', { code: totpCode(secret, Date.now()) });
    this.secrets['secret of her app'] = secret;
    for (const [index, code] of recoveryCodes.entries()) this.secrets[`recovery code ${index}`] = code;
    const login = { email: personal.address, password: this.secrets.password };
    const challenged = await this.ask('POST', 'auth/login', login, { token: undefined });
    this.secrets.challenge = challenged.body.challenge;
    const code = recoveryCodes[0];
    this.#keep('second', await this.ask('POST', 'auth/login', { ...login, code }, { token: undefined }));
    const refreshToken = this.secrets['second refresh token'];
    this.#keep('third', await this.ask('POST', 'auth/refresh', { refreshToken }, { token: undefined }));
    this.secrets['socket ticket'] = (await this.do('POST', 'auth/ws-ticket')).ticket;
  }

  /** Asks for a new password, and leaves it at that. */
  async forgetPassword(): Promise<void> {
    await this.do('POST', 'auth/forgot-password', { email: personal.address });
    await this.ask(
      'POST',
      'auth/login',
      { email: personal.address, password: 'a wrong password' },
      { token: undefined },
    );
    const mailed = () => this.mails.mails.find(({ message }) => parts(message).join('').includes('reset-password'));
    while (!mailed()) await new Promise((resolve) => setTimeout(resolve, 20));
    const [, token = ''] =
      /reset-password[^\s]*?([\w-]+\.[\w-]+\.[\w-]+)/.exec(parts(mailed()?.message ?? '').join('')) ?? [];
    if (token === '') throw new Error('no token was mailed');
    this.secrets['mailed token'] = token;
  }

  /** @returns the channel, and which revision her last message has */
  async write(): Promise<{ channelId: string; last: number }> {
    const { id: channelId } = await this.do('POST', 'channels', { name: 'General' });
    let last = 0;
    for (let posted = 0; posted < messagesPosted; posted += 40) {
      const posts = Array.from({ length: 40 }, () =>
        this.do('POST', `channels/${channelId}/messages`, { text: personal['a message'] }),
      );
      last = Math.max(...(await Promise.all(posts)).map(({ revision }) => revision));
    }
    const { revision } = await this.do('POST', `channels/${channelId}/messages`, {
      text: personal['a deleted message'],
    });
    await this.do('DELETE', `channels/${channelId}/messages/${revision}`);
    return { channelId, last };
  }

  async leave(channelId: string): Promise<void> {
    await this.do('POST', `channels/${channelId}/join`);
    await this.do('POST', `channels/${channelId}/leave`, { reason: personal['why she left'] });
  }
}
