import { randomUUID } from 'node:crypto';
import { AccessTokens } from '../../src/auth/access-tokens.js';
import { createIdentity } from '../../src/auth/identity.js';
import { InternalTokens } from '../../src/auth/internal-tokens.js';
import type { Authenticator } from '../../src/auth/session.js';
import { nowhere } from '../../src/auth/session.js';
import { SessionAuthenticator } from '../../src/auth/session-authenticator.js';
import { ensureSigningKey } from '../../src/auth/signing-key-rotation.js';
import { keyringOf, SigningKeys } from '../../src/auth/signing-keys.js';
import { publishEvent } from '../../src/broker/feed-publisher.js';
import { InProcessBroker } from '../../src/broker/in-process.js';
import { Pipeline } from '../../src/commands/pipeline.js';
import { Positions } from '../../src/read-store/positions.js';
import { LiveStreams } from '../../src/relay/live-streams.js';
import { type Stores, withStores } from '../logs/stores.js';
import { cpuOf } from '../measure/effort.js';
import { ownEffort } from '../measure/own-effort.js';
import { atMost, report } from '../measure/report.js';
import { inTurns, medianOf } from '../measure/rounds.js';
import { inTemporaryDirectory } from '../measure/temporary-directory.js';

/**
 * What it costs to know who is calling: the CPU time of one check, of a token or a cookie that was seen before, as most
 * requests bring it; and of a token that is new to the process.
 */

const people = 200;
const checksOfRound = 200_000;
const firstsOfRound = 1_000;
const rounds = 7;

function fail(error: unknown): never {
  throw error;
}

interface Callers {
  readonly authenticator: Authenticator;
  readonly accessTokens: AccessTokens;
  readonly tokens: readonly string[];
  readonly cookies: readonly string[];
}

async function letPeopleIn(stores: Stores, liveStreams: LiveStreams, broker: InProcessBroker): Promise<Callers> {
  const { keys } = stores;
  const positions = new Positions(stores.readStore);
  const pipeline = await Pipeline.open({ ...stores, positions, publish: (event) => publishEvent(broker, event) });
  await ensureSigningKey({ keys, pipeline });
  const signingKeys = new SigningKeys(keyringOf(liveStreams), keys);
  const accessTokens = new AccessTokens({ signingKeys, sharedSecret: undefined, issuer: 'parley', audience: 'parley' });
  const internalTokens = await InternalTokens.open(keys);
  const parts = { ...stores, pipeline, liveStreams, accessTokens, internalTokens };
  const settings = {
    bcryptCost: 4,
    verifiedEmailOnly: false,
    attempts: { tries: 10, windowMinutes: 15 },
    addressBlockMs: 60_000,
    tokenIssuer: 'Parley',
  };
  const { accounts, sessions } = await createIdentity({ ...parts, settings });
  const tokens: string[] = [];
  const cookies: string[] = [];
  for (let count = 0; count < people; count += 1) {
    const registered = await accounts.register({
      email: `${randomUUID()}@example.org`,
      name: 'Ann',
      password: 'horse',
    });
    if (!registered) throw new Error('nobody was registered');
    const { accessToken, cookie } = await sessions.begin(registered.id, { verifiedEmailOnly: false }, nowhere);
    tokens.push(accessToken);
    cookies.push(cookie);
  }
  const authenticator = new SessionAuthenticator({ ...parts, commands: pipeline, onError: fail });
  return { authenticator, accessTokens, tokens, cookies };
}

/** @returns CPU time of one, in µs */
async function costOf(count: number, check: (index: number) => Promise<unknown>): Promise<number> {
  const effort = await ownEffort(async () => {
    for (let index = 0; index < count; index += 1) await check(index);
    return count;
  });
  return cpuOf(effort);
}

async function measure(stores: Stores): Promise<void> {
  const broker = new InProcessBroker(fail);
  const liveStreams = await LiveStreams.start({ ...stores, broker, onError: fail });
  const { authenticator, accessTokens, tokens, cookies } = await letPeopleIn(stores, liveStreams, broker);
  const results = await inTurns(
    { warmUps: 2, rounds },
    {
      token: () => costOf(checksOfRound, (index) => authenticator.authenticate(tokens[index % people] as string)),
      cookie: () =>
        costOf(checksOfRound, (index) => authenticator.authenticateCookie(cookies[index % people] as string)),
      async first() {
        const fresh = await Promise.all(
          Array.from({ length: firstsOfRound }, () =>
            accessTokens.issue({ personId: randomUUID(), sid: randomUUID(), name: 'Ann', role: 'member' }),
          ),
        );
        return costOf(firstsOfRound, (index) => accessTokens.verify(fresh[index]?.accessToken as string));
      },
    },
  );
  liveStreams.stop();
  const bench = 'token-check';
  const unit = 'µs';
  report({ bench, metric: 'seen-token', value: medianOf(results, ({ token }) => token), unit, goal: atMost(5) });
  report({ bench, metric: 'seen-cookie', value: medianOf(results, ({ cookie }) => cookie), unit, goal: atMost(5) });
  report({ bench, metric: 'new-token', value: medianOf(results, ({ first }) => first), unit });
}

await inTemporaryDirectory((directory) => withStores(directory, measure));
