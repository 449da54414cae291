import { describe, expect, it, onTestFinished } from 'vitest';
import { call, TestPerson } from '../fixtures/api-client.js';
import { ServerProcess } from '../fixtures/server-process.js';
import { findLauncher } from '../fixtures/servers/find-server.js';
import { nats } from '../fixtures/servers/nats.js';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';

const launcher = await findLauncher(nats, 'two processes that share the count of wrong logins');
const tries = 10;

/** Two processes over one log, both at work, which hear of each other by NATS. */
async function startTwo(): Promise<readonly [ServerProcess, ServerProcess]> {
  const dataDirectory = await temporaryDirectory();
  const broker = await (launcher as NonNullable<typeof launcher>).start();
  onTestFinished(() => broker.stop());
  const settings = {
    PARLEY_BROKER: broker.url,
    PARLEY_AUTH_TRIES: String(tries),
    PARLEY_TRUSTED_PROXY_HOPS: '1',
  };
  const processes = [
    await ServerProcess.of(dataDirectory, settings),
    await ServerProcess.of(dataDirectory, settings),
  ] as const;
  for (const process of processes) {
    onTestFinished(async () => void (await process.end('SIGKILL')));
    await process.start();
  }
  return processes;
}

const logIn = ({ url }: ServerProcess, body: object, address: string) =>
  call(url, 'POST', 'auth/login', { body, headers: { 'x-forwarded-for': address } });

describe.skipIf(!launcher)('two processes', () => {
  it('count the wrong logins at an account together, and let it be by turns no longer than one would', async () => {
    const processes = await startTwo();
    const ann = await TestPerson.register(processes[0].url, 'Ann');
    const bob = await TestPerson.register(processes[1].url, 'Bob');
    for (let n = 0; n < tries; n += 1) {
      const wrong = await logIn(
        processes[n % 2] as ServerProcess,
        { email: ann.email, password: 'wrong' },
        `192.0.2.${n}`,
      );
      expect(wrong).toMatchObject({ status: 401, body: { code: 'wrong-credentials' } });
    }
    for (const process of processes) {
      const refused = await logIn(process, { email: ann.email, password: ann.password }, '198.51.100.1');
      expect(refused).toMatchObject({ status: 429, body: { code: 'rate-limited' } });
      // By the count that they share: neither has met so many itself.
      expect(refused.headers.get('ratelimit')).toMatch(/^"sign-in";r=0;t=\d+$/);
      expect(await logIn(process, { email: bob.email, password: bob.password }, '198.51.100.1')).toMatchObject({
        status: 200,
      });
    }
  });
});
