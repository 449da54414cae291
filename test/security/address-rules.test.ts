import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { pino } from 'pino';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { addressRuleFields } from '../../domain/identity/platform-security.js';
import { createServer } from '../../src/api/server.js';
import { AddressRules, LiveAddressRules } from '../../src/auth/address-rules.js';
import { parseConfig } from '../../src/config.js';
import { closeCodes } from '../../src/edge/close-codes.js';
import { Health } from '../../src/health.js';
import { Proxies } from '../../src/proxies.js';
import { LiveStreams } from '../../src/relay/live-streams.js';
import { RawSocket } from '../edge/raw-socket.js';
import { transports } from '../edge/transports.js';
import { eventually, makeWorld, personOf, type World } from '../edge/world.js';
import { call, TestPerson } from '../fixtures/api-client.js';
import { startTestParley, type TestParley } from '../fixtures/parley.js';

const allow = (cidr: string) => ({ cidr, action: 'allow' as const });
const deny = (cidr: string) => ({ cidr, action: 'deny' as const });

describe('rules of addresses', () => {
  it.each<[string, ReturnType<typeof allow | typeof deny>[], string, boolean]>([
    ['where there are none', [], '192.0.2.1', true],
    ['where there are none, of what is no address', [], '', true],
    ['beside what is denied', [deny('192.0.2.0/24')], '192.0.3.1', true],
    ['in what is denied', [deny('192.0.2.0/24')], '192.0.2.255', false],
    ['in a range told by any of its addresses', [deny('192.0.2.77/24')], '192.0.2.1', false],
    ['that is denied by itself', [deny('192.0.2.1/32')], '192.0.2.1', false],
    ['where all are denied', [deny('0.0.0.0/0')], '192.0.2.1', false],
    ['of the other kind, where all of one are denied', [deny('0.0.0.0/0')], '2001:db8::1', true],
    ['in what is allowed', [allow('10.0.0.0/8')], '10.1.2.3', true],
    ['beside what is allowed', [allow('10.0.0.0/8')], '192.0.2.1', false],
    ['of the other kind, beside what is allowed', [allow('10.0.0.0/8')], '2001:db8::1', false],
    ['of what is no address, where anything is allowed', [allow('0.0.0.0/0'), allow('::/0')], '', false],
    ['of what is no address, where anything is denied', [deny('10.0.0.0/8')], 'nonsense', false],
    ['in both', [allow('10.0.0.0/8'), deny('10.1.0.0/16')], '10.1.2.3', false],
    ['in both, however narrow', [allow('10.1.2.3/32'), deny('10.0.0.0/8')], '10.1.2.3', false],
    ['in one of both', [allow('10.0.0.0/8'), deny('10.1.0.0/16')], '10.2.0.1', true],
    ['in IPv6', [deny('2001:db8::/32')], '2001:db8:1::1', false],
    ['beside it in IPv6', [deny('2001:db8::/32')], '2001:db9::1', true],
    ['in IPv4, spelled as IPv6', [deny('192.0.2.0/24')], '::ffff:192.0.2.1', false],
    ['in IPv4, where the rule is spelled as IPv6', [deny('::ffff:192.0.2.0/120')], '192.0.2.1', false],
  ])('permit an address %s', (_where, rules, address, permitted) => {
    expect(new AddressRules(rules).permits(address)).toBe(permitted);
  });

  it('hold for every range that can be named, bit by bit', () => {
    const family = fc.constantFrom<{ bits: number; write: (bits: bigint) => string }>(
      { bits: 32, write: (bits) => [24n, 16n, 8n, 0n].map((shift) => (bits >> shift) & 255n).join('.') },
      {
        bits: 128,
        write: (bits) =>
          Array.from({ length: 8 }, (_, n) => ((bits >> BigInt(112 - 16 * n)) & 65_535n).toString(16)).join(':'),
      },
    );
    const cases = family.chain(({ bits, write }) => {
      const any = fc.bigInt(0n, (1n << BigInt(bits)) - 1n);
      return fc.record({ network: any, address: any, prefix: fc.nat(bits), near: fc.boolean() }).map((given) => {
        const rest = BigInt(bits - given.prefix);
        // Most addresses would be far away.
        const address = given.near
          ? ((given.network >> rest) << rest) | (given.address & ((1n << rest) - 1n))
          : given.address;
        return {
          cidr: `${write(given.network)}/${given.prefix}`,
          address: write(address),
          within: given.network >> rest === address >> rest,
        };
      });
    });
    fc.assert(
      fc.property(cases, ({ cidr, address, within }) => {
        expect(addressRuleFields.cidr.parse(cidr)).toBe(cidr);
        expect(new AddressRules([deny(cidr)]).permits(address)).toBe(!within);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['192.0.2.1'],
    ['192.0.2.0/33'],
    ['192.0.2.0/-1'],
    ['192.0.2.256/24'],
    ['192.0.2/24'],
    ['2001:db8::/129'],
    ['2001:db8:::/32'],
    ['fe80::1%eth0/64'],
    ['example.org/24'],
    ['/24'],
    [''],
  ])('name no such range: %j', (cidr) => {
    expect(addressRuleFields.cidr.safeParse(cidr).success).toBe(false);
  });
});

describe('a request from an address that is denied', () => {
  let inject: (url: string, remoteAddress: string, headers?: Record<string, string>) => Promise<[number, string?]>;
  beforeAll(async () => {
    const adapter = await createServer({
      config: parseConfig({}),
      health: new Health(),
      proxies: new Proxies({ trustedProxyHops: 1, tls: 'proxy' }),
      addressRules: new AddressRules([deny('192.0.2.0/24')]),
      logger: pino({ level: 'silent' }),
    });
    const server = adapter.getInstance();
    server.get('/health/live', () => ({}));
    server.get('/*', () => ({}));
    inject = async (url, remoteAddress, headers = {}) => {
      const answer = await server.inject({ url, remoteAddress, headers: { 'x-forwarded-proto': 'https', ...headers } });
      return [answer.statusCode, answer.json().code];
    };
  });

  it('is refused before anything else of it is looked at', async () => {
    expect(await inject('/api/v1/nowhere', '192.0.2.1')).toEqual([403, 'address-refused']);
    expect(await inject('/', '192.0.2.1', { 'x-forwarded-proto': 'http' })).toEqual([403, 'address-refused']);
    expect(await inject('/', '198.51.100.1')).toEqual([200, undefined]);
  });

  it('is told by the trusted proxy, not by who asks', async () => {
    expect(await inject('/', '198.51.100.1', { 'x-forwarded-for': '192.0.2.1' })).toEqual([403, 'address-refused']);
    expect(await inject('/', '198.51.100.1', { 'x-forwarded-for': '203.0.113.1, 192.0.2.1' })).toEqual([
      403,
      'address-refused',
    ]);
    expect(await inject('/', '198.51.100.1', { 'x-forwarded-for': '192.0.2.1, 203.0.113.1' })).toEqual([
      200,
      undefined,
    ]);
  });

  it('is answered whether the process lives: load balancers may be anywhere', async () => {
    expect(await inject('/health/live', '192.0.2.1')).toEqual([200, undefined]);
    expect(await inject('/metrics', '192.0.2.1')).toEqual([403, 'address-refused']);
  });
});

describe.each(transports)('a socket over %s', (transport) => {
  let world: World;
  let liveStreams: LiveStreams;
  let addressRules: LiveAddressRules;
  beforeEach(async () => {
    world = await makeWorld({ transport });
    const { eventStore, codec, broker } = world;
    liveStreams = await LiveStreams.start({ eventStore, codec, broker, onError: console.error });
    addressRules = await LiveAddressRules.start({ liveStreams, onError: console.error });
  });
  afterEach(async () => {
    addressRules.stop();
    liveStreams.stop();
    await world.close();
  });

  it('is opened and refused as the rules change, without a restart', async () => {
    const { port } = await world.startEdge({ addressRules });
    await RawSocket.as(port, personOf(1));
    const { id } = await world.commands.as('system', 'identity.AddAddressRule', deny('127.0.0.0/8'));
    await eventually(() => !addressRules.permits('127.0.0.1'));
    await expect(RawSocket.open(port)).rejects.toThrow('403');
    expect((await fetch(`http://127.0.0.1:${port}/health/live`)).status).toBe(200);
    await world.commands.as('system', 'identity.RemoveAddressRule', { ruleId: id });
    await eventually(() => addressRules.permits('127.0.0.1'));
    await RawSocket.as(port, personOf(1));
  });

  it('that is open is closed as soon as a rule denies its address, whoever is behind it; others are not', async () => {
    const proxies = new Proxies({ trustedProxyHops: 1, tls: 'off' });
    const { port } = await world.startEdge({ addressRules, proxies });
    const from = (forwarded: string) => RawSocket.open(port, { headers: { 'x-forwarded-for': forwarded } });
    const [silent, denied, other] = [await from('192.0.2.1'), await from('192.0.2.2'), await from('198.51.100.1')];
    for (const socket of [denied, other]) {
      socket.send({ op: 'authenticate', token: personOf(1) });
      await socket.next('authenticated');
    }
    await world.commands.as('system', 'identity.AddAddressRule', deny('192.0.2.0/24'));
    const { code } = closeCodes['address-refused'];
    expect(await Promise.all([silent.closed, denied.closed])).toMatchObject([{ code }, { code }]);
    other.send({ op: 'ping' });
    await other.next('pong');
  });

  it('is judged by the address that a trusted proxy tells', async () => {
    await world.commands.as('system', 'identity.AddAddressRule', deny('192.0.2.0/24'));
    await eventually(() => !addressRules.permits('192.0.2.1'));
    const proxies = new Proxies({ trustedProxyHops: 1, tls: 'off' });
    const { port } = await world.startEdge({ addressRules, proxies });
    const from = (forwarded: string) => RawSocket.open(port, { headers: { 'x-forwarded-for': forwarded } });
    await expect(from('192.0.2.1')).rejects.toThrow('403');
    await from('192.0.2.1, 198.51.100.1');
    const untold = await world.startEdge({ addressRules });
    await RawSocket.open(untold.port, { headers: { 'x-forwarded-for': '192.0.2.1' } });
  });
});

describe('the routes of rules', () => {
  const password = 'correct horse';
  let parley: TestParley;
  let token: string;
  let ann: TestPerson;
  beforeEach(async () => {
    parley = await startTestParley({
      PARLEY_ADMIN_EMAIL: 'admin@example.org',
      PARLEY_ADMIN_PASSWORD: password,
      PARLEY_TRUSTED_PROXY_HOPS: 1,
    });
    ann = await TestPerson.register(parley.url, 'Ann');
    const login = await call(parley.url, 'POST', 'auth/login', { body: { email: 'admin@example.org', password } });
    token = login.body.accessToken;
  });
  afterEach(() => parley.close());

  /** The administrator, from an address of their own. */
  const asAdmin = (method: string, path: string, body?: unknown) =>
    call(parley.url, method, path, { token, body, headers: { 'x-forwarded-for': '192.0.2.1' } });
  const statusFrom = async (address: string) => (await ann.get('auth/me', { 'x-forwarded-for': address })).status;
  const until = async (address: string, status: number) => {
    while ((await statusFrom(address)) !== status) await sleep(5);
  };

  it('are for those who may make rules', async () => {
    const path = `address-rules/${crypto.randomUUID()}`;
    for (const answer of [
      await ann.get('address-rules'),
      await ann.post('address-rules', deny('192.0.2.0/24')),
      await ann.delete(path),
    ]) {
      expect(answer).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    }
    expect(await call(parley.url, 'GET', 'address-rules')).toMatchObject({ status: 401 });
    expect(await call(parley.url, 'DELETE', path)).toMatchObject({ status: 401 });
  });

  it('keep out and let in again whom they name, over HTTP and sockets, also after a restart', async () => {
    const made = await asAdmin('POST', 'address-rules', { ...deny('198.51.100.0/24'), note: ' Guesses passwords ' });
    expect(made).toMatchObject({ status: 201, body: { cidr: '198.51.100.0/24', note: 'Guesses passwords' } });
    const { body: listed } = await asAdmin('GET', 'address-rules');
    expect(listed.items).toEqual([
      { ...deny('198.51.100.0/24'), id: made.body.id, note: 'Guesses passwords', addedAt: expect.any(String) },
    ]);
    await until('198.51.100.7', 403);
    expect(await statusFrom('192.0.2.1')).toBe(200);
    expect(await statusFrom('198.51.100.7, 192.0.2.1')).toBe(200);

    parley = await parley.restart();
    ann = Object.assign(Object.create(ann), { url: parley.url });
    expect(await statusFrom('198.51.100.7')).toBe(403);
    const headers = { 'x-forwarded-for': '198.51.100.7' };
    for (const url of [parley.url, parley.edgeUrl]) {
      await expect(RawSocket.open(Number(new URL(url).port), { headers })).rejects.toThrow('403');
    }

    expect(await asAdmin('DELETE', `address-rules/${made.body.id}`)).toMatchObject({ status: 200 });
    await until('198.51.100.7', 200);
    expect((await asAdmin('GET', 'address-rules')).body).toEqual({ items: [] });
    expect(await asAdmin('DELETE', `address-rules/${made.body.id}`)).toMatchObject({ status: 404 });
  });

  it('never keep out who makes or removes them', async () => {
    const refused = { status: 409, body: { code: 'locks-out-caller' } };
    expect(await asAdmin('POST', 'address-rules', deny('192.0.2.0/25'))).toMatchObject(refused);
    expect(await asAdmin('POST', 'address-rules', allow('198.51.100.0/24'))).toMatchObject(refused);
    const own = await asAdmin('POST', 'address-rules', allow('192.0.2.0/24'));
    expect(own).toMatchObject({ status: 201 });
    expect(await asAdmin('POST', 'address-rules', allow('198.51.100.0/24'))).toMatchObject({ status: 201 });
    expect(await asAdmin('DELETE', `address-rules/${own.body.id}`)).toMatchObject(refused);
    expect((await asAdmin('GET', 'address-rules')).body.items).toHaveLength(2);
    await until('203.0.113.1', 403);
    expect(await statusFrom('198.51.100.7')).toBe(200);
  });

  it('take a rule once, and none that is none', async () => {
    expect(await asAdmin('POST', 'address-rules', deny('198.51.100.0/24'))).toMatchObject({ status: 201 });
    expect(await asAdmin('POST', 'address-rules', deny('198.51.100.0/24'))).toMatchObject({
      status: 409,
      body: { code: 'already-exists' },
    });
    const wrong = { cidr: '198.51.100.0/33', action: 'ban', locksOutCaller: false };
    const answer = await asAdmin('POST', 'address-rules', wrong);
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid-input' } });
    expect(answer.body.errors.map(({ field }: { field: string }) => field).sort()).toEqual([
      'action',
      'cidr',
      'locksOutCaller',
    ]);
  });
});
