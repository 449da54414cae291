import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { declaredRoutes } from '../../src/api/route.js';
import { AttemptLimits } from '../../src/auth/attempt-limits.js';
import { networkOf } from '../../src/auth/network.js';
import { Reservations } from '../../src/auth/reservations.js';
import { totpCode } from '../../src/auth/totp.js';
import { CommandLimits } from '../../src/commands/command-limits.js';
import { RateLimited, rateLimitHeaders } from '../../src/rate-limits.js';
import { RawSocket } from '../edge/raw-socket.js';
import { type Answer, call, TestPerson } from '../fixtures/api-client.js';
import { startTestParley, type TestParley } from '../fixtures/parley.js';

const tries = 10;
const windowSeconds = 15 * 60;

describe('the network that tries are counted by', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::6', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:db8::2:3:4:5:6', '2001:db8:0:2::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['', ''],
  ])('of %s is %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });
});

it('the network that tries are counted by durably is the same', () => {
  const reservations = new Reservations(Buffer.alloc(32, 7));
  expect(reservations.triesFrom('2001:db8:0:1::1')).toBe(reservations.triesFrom('2001:db8:0:1:ffff::'));
  expect(reservations.triesFrom('2001:db8:0:1::1')).not.toBe(reservations.triesFrom('2001:db8:0:2::1'));
});

describe('tries', () => {
  const fail = async (limits: AttemptLimits, address: string, account?: string) =>
    (await limits.begin('login', address, account)).failed();
  const succeed = async (limits: AttemptLimits, address: string, account?: string) =>
    (await limits.begin('login', address, account)).succeeded();

  let limits: AttemptLimits;
  beforeEach(() => {
    vi.useFakeTimers();
    limits = new AttemptLimits({ tries, windowMinutes: 15 });
  });
  afterEach(() => void vi.useRealTimers());

  it('of one account are bounded, from wherever they come', async () => {
    for (let n = 0; n < tries; n += 1) await fail(limits, `192.0.2.${n}`, 'ann@example.org');
    await expect(limits.begin('login', '198.51.100.1', 'ann@example.org')).rejects.toThrow(RateLimited);
    await fail(limits, '198.51.100.1', 'bob@example.org');
  });

  it('of one address are bounded, for whomever they are', async () => {
    for (let n = 0; n < tries; n += 1) await fail(limits, '192.0.2.1', `${n}@example.org`);
    await expect(limits.begin('login', '192.0.2.1', 'ann@example.org')).rejects.toThrow(RateLimited);
    await expect(limits.begin('login', '192.0.2.1')).rejects.toThrow(RateLimited);
    await fail(limits, '192.0.2.2', 'ann@example.org');
  });

  it('of one thing leave those of another', async () => {
    for (let n = 0; n < tries; n += 1) await fail(limits, '192.0.2.1', 'ann@example.org');
    await (await limits.begin('register', '192.0.2.1', 'ann@example.org')).failed();
  });

  it('of one IPv6 network are bounded together, those of its neighbours apart', async () => {
    for (let n = 0; n < tries; n += 1) await fail(limits, `2001:db8:0:1::${n}`);
    await expect(limits.begin('login', '2001:db8:0:1:ffff::')).rejects.toThrow(RateLimited);
    await fail(limits, '2001:db8:0:2::1');
  });

  it('of one account are the same however it is spelled', async () => {
    for (let n = 0; n < tries; n += 1)
      await fail(limits, `192.0.2.${n}`, n % 2 ? ' ANN@example.org' : 'ann@EXAMPLE.org ');
    await expect(limits.begin('login', '198.51.100.1', 'ann@example.org')).rejects.toThrow(RateLimited);
  });

  it('that succeed do not count', async () => {
    for (let n = 0; n < 5 * tries; n += 1) await succeed(limits, '192.0.2.1', 'ann@example.org');
    await fail(limits, '192.0.2.1', 'ann@example.org');
    const { standings } = await limits.begin('login', '192.0.2.1', 'ann@example.org');
    expect(await standings()).toMatchObject([
      { policy: 'account', quota: tries, windowSeconds, remaining: tries - 2 },
      { policy: 'address', quota: tries, windowSeconds, remaining: tries - 1 },
      { policy: 'requests' },
    ]);
  });

  it('of one account that have not ended yet count, those of an address do not', async () => {
    for (let n = 0; n < tries; n += 1) await limits.begin('login', '192.0.2.1', 'ann@example.org');
    await expect(limits.begin('login', '192.0.2.1', 'ann@example.org')).rejects.toThrow(RateLimited);
    await limits.begin('login', '192.0.2.1', 'bob@example.org');
  });

  it('are given again when the window ends, to the second', async () => {
    for (let n = 0; n < tries; n += 1) await fail(limits, '192.0.2.1', 'ann@example.org');
    vi.advanceTimersByTime((windowSeconds - 60) * 1_000);
    const refused = await limits.begin('login', '192.0.2.1', 'ann@example.org').catch((error) => error);
    expect(refused).toMatchObject({ retryAfter: 60 });
    vi.advanceTimersByTime(59_000);
    await expect(limits.begin('login', '192.0.2.1', 'ann@example.org')).rejects.toThrow(RateLimited);
    vi.advanceTimersByTime(1_000);
    await fail(limits, '192.0.2.1', 'ann@example.org');
  });

  it('that end after their window give nothing back to the next', async () => {
    const slow = await limits.begin('login', '192.0.2.1', 'ann@example.org');
    vi.advanceTimersByTime(windowSeconds * 1_000);
    await slow.succeeded();
    for (let n = 0; n < tries; n += 1) await fail(limits, `192.0.2.${n}`, 'ann@example.org');
    await expect(limits.begin('login', '198.51.100.1', 'ann@example.org')).rejects.toThrow(RateLimited);
  });

  it('of one address are bounded in number even where all succeed', async () => {
    for (let n = 0; n < 200 * tries; n += 1) await succeed(limits, '192.0.2.1', `${n}@example.org`);
    const refused = await limits.begin('login', '192.0.2.1').catch((error) => error);
    expect(refused).toMatchObject({ retryAfter: 60, standings: [{ policy: 'requests', remaining: 0 }] });
  });

  it('of an address that is refused cost the account nothing', async () => {
    for (let n = 0; n < tries; n += 1) await fail(limits, '192.0.2.1', `${n}@example.org`);
    for (let n = 0; n < tries; n += 1) await limits.begin('login', '192.0.2.1', 'ann@example.org').catch(() => {});
    for (let n = 0; n < tries; n += 1) await fail(limits, '198.51.100.1', 'ann@example.org');
  });

  it('are counted in bounded memory: whoever was met longest ago begins anew', async () => {
    const small = new AttemptLimits({ tries, windowMinutes: 15, mostKeys: 3 });
    const use = async (account: string, address: string) => {
      for (let n = 0; n < tries; n += 1) await fail(small, address, account);
    };
    await use('1', '192.0.2.1');
    await use('2', '192.0.2.2');
    await use('3', '192.0.2.3');
    await expect(small.begin('login', '192.0.2.1')).rejects.toThrow(RateLimited);
    await use('4', '192.0.2.4');
    await fail(small, '192.0.2.2');
    await expect(small.begin('login', '192.0.2.4')).rejects.toThrow(RateLimited);
  });
});

describe('what a client is told of its limits', () => {
  const account = { policy: 'account', quota: 10, windowSeconds: 900, remaining: 7, resetSeconds: 420 };
  const address = { policy: 'address', quota: 10, windowSeconds: 900, remaining: 2, resetSeconds: 60 };

  it('is each policy and how much of it remains, and of the nearest one what older clients read', () => {
    expect(rateLimitHeaders([account, address])).toEqual({
      'ratelimit-policy': '"account";q=10;w=900, "address";q=10;w=900',
      ratelimit: '"account";r=7;t=420, "address";r=2;t=60',
      'ratelimit-limit': '10',
      'ratelimit-remaining': '2',
      'ratelimit-reset': '60',
    });
  });

  it('is to wait for the limit that is used up', () => {
    expect(new RateLimited([account, { ...address, remaining: 0 }]).retryAfter).toBe(60);
  });
});

describe('the routes of credentials', () => {
  let parley: TestParley;
  beforeEach(async () => {
    parley = await startTestParley({ PARLEY_AUTH_TRIES: tries, PARLEY_TRUSTED_PROXY_HOPS: 1 });
  });
  afterEach(() => parley.close());

  const from = (address: string) => ({ 'x-forwarded-for': address });
  const logIn = (body: object, address = '192.0.2.1') =>
    call(parley.url, 'POST', 'auth/login', { body, headers: from(address) });
  const register = (body: object, address = '192.0.2.1') =>
    call(parley.url, 'POST', 'auth/register', {
      body: { name: 'Ann', password: 'correct horse', ...body },
      headers: from(address),
    });
  const remaining = ({ headers }: Answer) => Number(headers.get('ratelimit-remaining'));

  it('refuse an eleventh wrong password within a quarter of an hour, and say when to come back', async () => {
    const ann = await TestPerson.register(parley.url, 'Ann');
    for (let left = tries - 1; left >= 0; left -= 1) {
      const answer = await logIn({ email: ann.email, password: 'wrong' }, `192.0.2.${left}`);
      expect(answer).toMatchObject({ status: 401, body: { code: 'wrong-credentials' } });
      expect(remaining(answer)).toBe(Math.min(left, tries - 1));
    }
    const refused = await logIn({ email: ann.email, password: ann.password }, '198.51.100.1');
    expect(refused).toMatchObject({ status: 429, body: { code: 'rate-limited' } });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(windowSeconds - 60);
    expect(refused.body.retryAfter).toBe(Number(refused.headers.get('retry-after')));
    expect(refused.headers.get('ratelimit-policy')).toBe(`"account";q=${tries};w=${windowSeconds}`);
    expect(refused.headers.get('ratelimit')).toMatch(/^"account";r=0;t=\d+$/);
  });

  it('refuse an address that has guessed too often, for every account; others not', async () => {
    const ann = await TestPerson.register(parley.url, 'Ann');
    for (let n = 0; n < tries; n += 1) await logIn({ username: `nobody${n}`, password: 'wrong' });
    const right = { email: ann.email, password: ann.password };
    expect(await logIn(right)).toMatchObject({ status: 429 });
    expect(await register({ email: 'new@example.org' })).toMatchObject({ status: 201 });
    expect(await logIn(right, '192.0.2.2')).toMatchObject({ status: 200 });
  });

  it('are not told apart by what a client writes into X-Forwarded-For itself', async () => {
    for (let n = 0; n < tries; n += 1) {
      await logIn({ username: `nobody${n}`, password: 'wrong' }, `203.0.113.${n}, 192.0.2.1`);
    }
    expect(await logIn({ username: 'nobody', password: 'wrong' }, '203.0.113.99, 192.0.2.1')).toMatchObject({
      status: 429,
    });
  });

  it('are open to any number of people behind one address who do it right, also all at once', async () => {
    const people = await Promise.all(
      Array.from({ length: 30 }, (_, n) => register({ email: `${n}@example.org`, username: `person${n}` })),
    );
    expect(new Set(people.map(({ status }) => status))).toEqual(new Set([201]));
    for (let n = 0; n < 30; n += 1) {
      const answer = await logIn({ username: `person${n}`, password: 'correct horse' });
      expect(answer.status).toBe(200);
      expect(answer.headers.get('ratelimit-policy')).toContain(`"account";q=${tries};w=${windowSeconds}`);
      expect(answer.headers.get('ratelimit')).toContain(`"account";r=${tries};`);
    }
  });

  it('count who asks which addresses have an account, but not who has filled in a form wrong', async () => {
    await register({ email: 'ann@example.org' }, '192.0.2.9');
    for (let n = 0; n < 2 * tries; n += 1) {
      expect(await register({ email: 'bob@example.org', password: 'short' })).toMatchObject({ status: 400 });
    }
    for (let n = 0; n < tries; n += 1) {
      const answer = await register({ email: 'ann@example.org' }, `198.51.100.${n}`);
      expect(answer).toMatchObject({ status: 409 });
    }
    expect(await register({ email: 'ann@example.org' })).toMatchObject({ status: 429 });
  });

  it.each([
    ['refresh', { refreshToken: 'nonsense' }, 401],
    ['verify-email', { token: 'nonsense' }, 400],
    ['reset-password', { token: 'nonsense', password: 'correct horse' }, 400],
    ['mfa/login', { challenge: 'nonsense', code: '000000' }, 401],
    ['forgot-password', { email: 'ann@example.org' }, 202],
    ['verify-email/resend', { email: 'ann@example.org' }, 202],
  ])('refuse an eleventh guess, or mail, of the same address: %s', async (path, body, status) => {
    const ask = () => call(parley.url, 'POST', `auth/${path}`, { body, headers: from('192.0.2.1') });
    for (let n = 0; n < tries; n += 1) expect(await ask()).toMatchObject({ status });
    expect(await ask()).toMatchObject({ status: 429 });
  });

  describe('of a second factor', () => {
    /** Ann's account asks for a code; hers of the moment was not used yet. */
    async function enrolled() {
      const ann = await TestPerson.register(parley.url, 'Ann');
      const { secret } = (await ann.post('auth/mfa/totp', { password: ann.password })).body;
      // The code of the step before, which is still taken.
      await ann.post('auth/mfa/totp/confirm', { code: totpCode(secret, Date.now() - 30_000) });
      const { email, password } = ann;
      const { challenge } = (await logIn({ email, password })).body;
      const answer = (code: string, address: string) =>
        call(parley.url, 'POST', 'auth/mfa/login', { body: { challenge, code }, headers: from(address) });
      return { challenge, answer, right: () => totpCode(secret, Date.now()), wrong: 'not a code' };
    }

    it('refuse an eleventh wrong code of one account, from wherever, also after a restart', async () => {
      const { answer, right, wrong } = await enrolled();
      for (let n = 0; n < tries; n += 1) {
        const answered = await answer(wrong, `192.0.2.${n}`);
        expect(answered).toMatchObject({ status: 401, body: { code: 'wrong-credentials' } });
        expect(answered.headers.get('ratelimit')).toContain(`"account";r=${tries - 1 - n};`);
      }
      expect(await answer(right(), '198.51.100.1')).toMatchObject({ status: 429 });
      parley = await parley.restart();
      const refused = await answer(right(), '198.51.100.1');
      expect(refused).toMatchObject({ status: 429, body: { code: 'rate-limited' } });
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(windowSeconds - 120);
    });

    it('let no more guesses run at once than may fail', async () => {
      const { answer, wrong } = await enrolled();
      const answers = await Promise.all(Array.from({ length: 4 * tries }, (_, n) => answer(wrong, `192.0.2.${n}`)));
      expect(answers.filter(({ status }) => status === 401).length).toBeLessThanOrEqual(tries);
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401, 429]));
    });
  });

  it('bound every route that takes credentials without a session', () => {
    const open = declaredRoutes.filter(({ options: { auth, method } }) => auth === 'none' && method === 'POST');
    expect(open.length).toBeGreaterThan(7);
    expect(open.filter(({ options }) => !options.tries).map(({ options }) => options.path)).toEqual([]);
  });

  it('let pages of other origins read how far they are from a limit', async () => {
    const headers = { ...from('192.0.2.1'), origin: 'http://localhost:5173' };
    const body = { username: 'nobody', password: 'wrong' };
    const answer = await call(parley.url, 'POST', 'auth/login', { body, headers });
    const exposed = answer.headers.get('access-control-expose-headers')?.toLowerCase();
    for (const name of ['ratelimit', 'ratelimit-policy', 'ratelimit-remaining', 'retry-after']) {
      expect(exposed?.split(', ')).toContain(name);
    }
  });
});

describe('where no proxy is trusted', () => {
  it('X-Forwarded-For gives nobody more tries', async () => {
    const parley = await startTestParley({ PARLEY_AUTH_TRIES: tries });
    try {
      const answers: Answer[] = [];
      for (let n = 0; n <= tries; n += 1) {
        const body = { username: `nobody${n}`, password: 'wrong' };
        answers.push(
          await call(parley.url, 'POST', 'auth/login', { body, headers: { 'x-forwarded-for': `192.0.2.${n}` } }),
        );
      }
      expect(answers.map(({ status }) => status)).toEqual([...Array(tries).fill(401), 429]);
    } finally {
      await parley.close();
    }
  });
});

describe('commands', () => {
  let parley: TestParley;
  let ann: TestPerson;
  let bob: TestPerson;
  beforeAll(async () => {
    parley = await startTestParley({ PARLEY_CREATING_PER_MINUTE: 4, PARLEY_POSTING_PER_MINUTE: 1 });
    ann = await TestPerson.register(parley.url, 'Ann');
    bob = await TestPerson.register(parley.url, 'Bob');
  });
  afterAll(() => parley.close());

  it('are counted for each person and class, over HTTP and sockets together', async () => {
    const first = await ann.post('rooms');
    expect(first.status).toBe(201);
    expect(first.headers.get('ratelimit-policy')).toBe('"creating";q=4;w=60');
    expect(first.headers.get('ratelimit')).toMatch(/^"creating";r=3;t=\d+$/);
    expect(await ann.post('rooms')).toMatchObject({ status: 201 });

    const socket = await RawSocket.as(Number(new URL(parley.edgeUrl).port), ann.token);
    const create = (id: string) => socket.send({ op: 'command', id, type: 'rooms.CreateRoom', input: {} });
    for (const id of ['1', '2', '3']) create(id);
    await socket.next('reply', 2);
    expect(await socket.next('error')).toMatchObject({ problem: { code: 'rate-limited', retryAfter: 15 } });
    socket.close();

    const refused = await ann.post('rooms');
    expect(refused).toMatchObject({ status: 429, body: { code: 'rate-limited' } });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(refused.headers.get('ratelimit')).toMatch(/^"creating";r=0;t=\d+$/);
    expect(await bob.post('rooms')).toMatchObject({ status: 201 });
  });

  it('of other classes are counted apart, and queries not at all', async () => {
    const { body: room } = await bob.post('rooms');
    expect(await bob.post(`rooms/${room.id}/join`)).toMatchObject({ status: 200 });
    expect(await bob.post(`rooms/${room.id}/leave`)).toMatchObject({ status: 429 });
    const answer = await bob.get(`rooms/${room.id}`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('ratelimit')).toBeNull();
  });

  it('count whatever changes something, also where no other limit does', async () => {
    const strict = await startTestParley({ PARLEY_ADMINISTERING_PER_MINUTE: 2 });
    try {
      for (const [method, path] of [
        ['POST', 'auth/ws-ticket'],
        ['DELETE', `auth/sessions/${crypto.randomUUID()}`],
        ['POST', 'auth/logout-all'],
      ] as const) {
        const cyd = await TestPerson.register(strict.url, 'Cyd');
        for (let n = 0; n < 2; n += 1) await cyd.post('auth/ws-ticket');
        const refused = await call(strict.url, method, path, { token: cyd.token });
        expect([path, refused]).toMatchObject([path, { status: 429, body: { code: 'rate-limited' } }]);
        expect(await cyd.get('auth/me')).toMatchObject({ status: 200 });
      }
    } finally {
      await strict.close();
    }
  });

  it('are allowed again as time goes on', () => {
    let now = 0;
    const limits = new CommandLimits({ posting: 6, creating: 1, administering: 1 }, () => now);
    for (let left = 5; left >= 0; left -= 1) {
      expect(limits.take('ann', 'posting')).toMatchObject({ remaining: left, resetSeconds: 10 });
    }
    expect(() => limits.take('ann', 'posting')).toThrow(RateLimited);
    now = 9_000;
    expect(() => limits.take('ann', 'posting')).toThrow(RateLimited);
    now = 10_000;
    limits.take('ann', 'posting');
    expect(() => limits.take('ann', 'posting')).toThrow(RateLimited);
    now = 10_000_000;
    expect(limits.take('ann', 'posting')).toMatchObject({ remaining: 5 });
  });
});
