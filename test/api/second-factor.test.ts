import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { totpCode } from '../../src/auth/totp.js';
import { type Answer, call, TestPerson } from '../fixtures/api-client.js';
import { startTestParley, type TestParley } from '../fixtures/parley.js';

const stepMs = 30_000;

let parley: TestParley;
beforeAll(async () => {
  parley = await startTestParley();
});
afterAll(() => parley.close());
afterEach(() => void vi.useRealTimers());

/** The clock of this process, in which Parley runs; timers go on as they do. */
function passSteps(steps: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + steps * stepMs });
}

interface Enrolled {
  readonly ann: TestPerson;
  /** The code of her app now. */
  readonly code: () => string;
  readonly recoveryCodes: readonly string[];
  logIn(over?: object): Promise<Answer>;
  /** Gives a code after the password. */
  answer(challenge: string, code: string): Promise<Answer>;
}

const post = (path: string, body: unknown) => call(parley.url, 'POST', `auth/${path}`, { body });

const begin = ({ token, password }: TestPerson) =>
  call(parley.url, 'POST', 'auth/mfa/totp', { token, body: { password } });

/** Ann has turned her second factor on, and the code that she did so with is over. */
async function enrolled(): Promise<Enrolled> {
  const ann = await TestPerson.register(parley.url, 'Ann');
  const { secret } = (await begin(ann)).body;
  const code = () => totpCode(secret, Date.now());
  const { body } = await ann.post('auth/mfa/totp/confirm', { code: code() });
  passSteps(2);
  const { email, password } = ann;
  return {
    ann,
    code,
    recoveryCodes: body.recoveryCodes,
    logIn: (over = {}) => post('login', { email, password, ...over }),
    answer: (challenge, given) => post('mfa/login', { challenge, code: given }),
  };
}

const wrong = { status: 401, body: { code: 'wrong-credentials' } };

describe('setting up a second factor', () => {
  it('begins with a secret for an app, which counts once a code of it was shown', async () => {
    const ann = await TestPerson.register(parley.url, 'Ann');
    const { status, body } = await begin(ann);
    expect({ status, body }).toEqual({
      status: 201,
      body: { secret: expect.stringMatching(/^[A-Z2-7]{32}$/), uri: expect.stringContaining('otpauth://totp/') },
    });
    expect((await ann.get('auth/mfa')).body).toEqual({ totp: false, recoveryCodesLeft: 0 });
    const { email, password } = ann;
    expect(await post('login', { email, password })).toMatchObject({ status: 200 });
    const confirmed = await ann.post('auth/mfa/totp/confirm', { code: totpCode(body.secret, Date.now()) });
    expect(confirmed.status).toBe(200);
    const { recoveryCodes } = confirmed.body;
    expect(new Set(recoveryCodes).size).toBe(recoveryCodes.length);
    expect((await ann.get('auth/mfa')).body).toEqual({ totp: true, recoveryCodesLeft: recoveryCodes.length });
  });

  it('takes the password: nobody turns it on in a browser that was left open', async () => {
    const ann = await TestPerson.register(parley.url, 'Ann');
    expect(await ann.post('auth/mfa/totp', { password: 'wrong' })).toMatchObject(wrong);
    expect(await ann.post('auth/mfa/totp')).toMatchObject({ status: 400, body: { code: 'invalid-input' } });
    expect(await ann.post('auth/mfa/totp/confirm', { code: '123456' })).toMatchObject({ status: 404 });
  });

  it('takes no wrong code, and none of what was not begun', async () => {
    const ann = await TestPerson.register(parley.url, 'Ann');
    expect(await ann.post('auth/mfa/totp/confirm', { code: '123456' })).toMatchObject({ status: 404 });
    const { secret } = (await begin(ann)).body;
    const longAgo = totpCode(secret, Date.now() - 10 * stepMs);
    expect(await ann.post('auth/mfa/totp/confirm', { code: longAgo })).toMatchObject({
      status: 401,
      body: { code: 'wrong-code' },
    });
    expect((await ann.get('auth/mfa')).body.totp).toBe(false);
  });

  it('is not begun again while one is on', async () => {
    const { ann } = await enrolled();
    expect(await begin(ann)).toMatchObject({ status: 409, body: { code: 'already-exists' } });
  });
});

describe('logging in with a second factor', () => {
  it('takes the code with the password', async () => {
    const { logIn, code, ann } = await enrolled();
    const login = await logIn({ code: code() });
    expect(login).toMatchObject({ status: 200, body: { user: { id: ann.id } } });
    const { items } = (await call(parley.url, 'GET', 'auth/sessions', { token: login.body.accessToken })).body;
    expect(items.map(({ method }: { method: string }) => method)).toContain('password+totp');
  });

  it('asks for the code, and takes it after the password', async () => {
    const { logIn, code, answer, ann } = await enrolled();
    const asked = await logIn();
    expect(asked).toMatchObject({
      status: 401,
      body: { code: 'second-factor-required', challenge: expect.any(String) },
    });
    expect(asked.headers.getSetCookie()).toEqual([]);
    const login = await answer(asked.body.challenge, code());
    expect(login).toMatchObject({ status: 200, body: { user: { id: ann.id }, accessToken: expect.any(String) } });
    expect(login.headers.getSetCookie()).toHaveLength(1);
  });

  it('does not ask for it before the password was right', async () => {
    const { logIn, code } = await enrolled();
    expect(await logIn({ password: 'wrong' })).toMatchObject(wrong);
    expect(await logIn({ password: 'wrong', code: code() })).toMatchObject(wrong);
  });

  it('takes a code once, by whichever way', async () => {
    const { logIn, code, answer } = await enrolled();
    const { challenge } = (await logIn()).body;
    const given = code();
    expect(await logIn({ code: given })).toMatchObject({ status: 200 });
    expect(await logIn({ code: given })).toMatchObject(wrong);
    expect(await answer(challenge, given)).toMatchObject(wrong);
    passSteps(1);
    expect(await logIn({ code: code() })).toMatchObject({ status: 200 });
  });

  it('has one winner when a code is given ten times at once', async () => {
    const { logIn, code } = await enrolled();
    const given = code();
    const answers = await Promise.all(Array.from({ length: 10 }, () => logIn({ code: given })));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(9).fill(401)]);
  });

  it('takes a recovery code, once', async () => {
    const { ann, logIn, recoveryCodes } = await enrolled();
    const [first, second] = recoveryCodes as [string, string];
    expect(await logIn({ code: first })).toMatchObject({ status: 200 });
    expect(await logIn({ code: first })).toMatchObject(wrong);
    expect((await ann.get('auth/mfa')).body.recoveryCodesLeft).toBe(recoveryCodes.length - 1);
    expect(await logIn({ code: second.toLowerCase() })).toMatchObject({ status: 200 });
  });

  it('takes no challenge that is over, or of a password that was changed', async () => {
    const { ann, logIn, code, answer } = await enrolled();
    const first = (await logIn()).body.challenge;
    passSteps(20);
    expect(await answer(first, code())).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
    const second = (await logIn()).body.challenge;
    const change = { currentPassword: ann.password, newPassword: 'another good one' };
    expect(await ann.post('auth/change-password', change)).toMatchObject({ status: 204 });
    expect(await answer(second, code())).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
  });

  it.each(['accessToken', 'refreshToken'])('takes no %s for a challenge', async (kind) => {
    const { logIn, code, answer } = await enrolled();
    const login = await logIn({ code: code() });
    passSteps(2);
    expect(await answer(login.body[kind], code())).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
  });
});

describe('a second factor', () => {
  it('is turned off by who knows the password', async () => {
    const { ann, logIn } = await enrolled();
    const turnOff = (password: string) =>
      call(parley.url, 'DELETE', 'auth/mfa/totp', { token: ann.token, body: { password } });
    expect(await turnOff('wrong')).toMatchObject(wrong);
    expect((await ann.get('auth/mfa')).body.totp).toBe(true);
    expect(await turnOff(ann.password)).toMatchObject({ status: 204 });
    expect((await ann.get('auth/mfa')).body).toEqual({ totp: false, recoveryCodesLeft: 0 });
    expect(await logIn()).toMatchObject({ status: 200 });
  });

  it('gets new recovery codes in the place of the old, by who knows the password', async () => {
    const { ann, logIn, recoveryCodes } = await enrolled();
    expect(await ann.post('auth/mfa/recovery-codes', { password: 'wrong' })).toMatchObject(wrong);
    const renewed = await ann.post('auth/mfa/recovery-codes', { password: ann.password });
    expect(renewed.status).toBe(200);
    expect(await logIn({ code: recoveryCodes[0] })).toMatchObject(wrong);
    expect(await logIn({ code: renewed.body.recoveryCodes[0] })).toMatchObject({ status: 200 });
  });

  it('that is not there has no recovery codes', async () => {
    const ann = await TestPerson.register(parley.url, 'Ann');
    const { password } = ann;
    expect(await ann.post('auth/mfa/recovery-codes', { password })).toMatchObject({ status: 404 });
  });
});
