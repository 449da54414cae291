import { describe, expect, it } from 'vitest';
import { parseKurrentUrl } from '../../src/event-store/kurrentdb-address.js';

describe('the URL of a KurrentDB', () => {
  it('is given to its client without the namespace, with a deadline for its calls', () => {
    expect(parseKurrentUrl('kurrentdb://127.0.0.1:2113/talk?tls=false')).toEqual({
      connectionString: 'kurrentdb://127.0.0.1:2113?tls=false&defaultDeadline=2000',
      place: '127.0.0.1:2113',
      namespace: 'talk',
      node: { host: '127.0.0.1', port: 2113 },
      tls: undefined,
      keepAliveTimeoutMs: 10_000,
      deadlineMs: 2_000,
    });
  });

  it('needs no more than a host: the port is 2113, the connection encrypted, the namespace `parley`', () => {
    expect(parseKurrentUrl('kurrentdb://db.example')).toMatchObject({
      connectionString: 'kurrentdb://db.example?defaultDeadline=2000',
      place: 'db.example:2113',
      namespace: 'parley',
      tls: { verify: true },
    });
  });

  it('may name several nodes, credentials, which are not shown, and files for TLS', () => {
    const options =
      'tlsVerifyCert=false&tlsCAFile=%2Fca.pem&userCertFile=/a.crt&userKeyFile=/a.key&defaultDeadline=500';
    const address = parseKurrentUrl(
      `kurrentdb+discover://ann:s3cret@a.example:1,b.example:2/?keepAliveTimeout=700&${options}`,
    );
    expect(address).toEqual({
      connectionString: `kurrentdb+discover://ann:s3cret@a.example:1,b.example:2?${options}`,
      place: 'a.example:1, b.example:2',
      namespace: 'parley',
      node: { host: 'a.example', port: 1 },
      tls: { verify: false, authority: '/ca.pem', certificate: '/a.crt', key: '/a.key' },
      keepAliveTimeoutMs: 700,
      deadlineMs: 500,
    });
  });

  it('may write the options as the client does, in any case', () => {
    expect(parseKurrentUrl('kurrentdb://db.example?TLS=false').tls).toBeUndefined();
  });
});
