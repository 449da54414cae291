import { describe, expect, it } from 'vitest';
import { parseNatsAddress, showNatsAddress } from '../../src/broker/nats-address.js';
import { InvalidConfig, parseConfig } from '../../src/config.js';

describe('an address of NATS', () => {
  it.each([
    ['nats://broker', { servers: ['broker:4222'], tls: false, credentials: undefined, namespace: 'parley' }],
    ['nats://broker:4333/', { servers: ['broker:4333'] }],
    ['tls://broker', { tls: true }],
    ['nats://a,b:4333,[::1]:4444', { servers: ['a:4222', 'b:4333', '[::1]:4444'] }],
    ['nats://a,nats://b/team-1', { servers: ['a:4222', 'b:4222'], namespace: 'team-1' }],
    ['nats://ann:p%40ss%2C@a,b', { servers: ['a:4222', 'b:4222'], credentials: { user: 'ann', pass: 'p@ss,' } }],
    ['nats://t0ken@a', { credentials: { token: 't0ken' } }],
  ])('reads %s', (text, address) => {
    expect(parseNatsAddress(text)).toMatchObject(address);
  });

  it.each([
    'broker',
    'http://broker',
    'nats://',
    'nats://a,',
    'nats://a,tls://b',
    'nats://a/one,b/two',
    'nats://a/two/tokens',
    'nats://a/any.*',
    'nats://a?timeout=1',
    'nats://a#b',
    'nats://a:port',
    'nats://a,ann:secret@b',
  ])('is not %s', (text) => {
    expect(parseNatsAddress(text)).toBeUndefined();
  });

  it('is shown without credentials', () => {
    const address = parseConfig({ PARLEY_BROKER: 'nats://ann:secret@a,b/team' }).broker;
    expect(address !== 'in-process' && showNatsAddress(address)).toBe('nats://a:4222,b:4222/team');
  });

  it('is not repeated where it is refused', () => {
    try {
      parseConfig({ PARLEY_BROKER: 'nats://ann:secret@a?b' });
      expect.unreachable();
    } catch (error) {
      expect((error as InvalidConfig).faults).toEqual([
        expect.stringMatching(/^PARLEY_BROKER: must be nats:\/\/ or tls:\/\//),
      ]);
    }
  });
});
