import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { Reservations } from '../../src/auth/reservations.js';
import { SignInFailures } from '../../src/auth/sign-in-failures.js';
import { InProcessBroker } from '../../src/broker/in-process.js';
import { createCodec } from '../../src/event-store/event-codec.js';
import { memoryEventStore } from '../../src/event-store/memory.js';
import { RateLimited } from '../../src/rate-limits.js';
import { LiveStreams } from '../../src/relay/live-streams.js';
import { World } from '../commands/world.js';
import { idOf } from '../domain/specification.js';

const tries = 10;
const windowMs = 15 * 60_000;
const blockMs = 60 * 60_000;
/** An address may be an office's: it bears this many times what an account does. */
const addressFactor = 5;
const place = '192.0.2.1';

const ofAccount = (account: string, address = place) => ({ account, personId: undefined, address });
const refused = (policy: string) =>
  expect.objectContaining({ constructor: RateLimited, standings: [expect.objectContaining({ policy, remaining: 0 })] });

/** Counting in a process of its own, over a log that others may share. */
async function startIn(world: World): Promise<SignInFailures> {
  const options = { eventStore: memoryEventStore(world.log), codec: createCodec(world.keys) };
  const broker = new InProcessBroker((error) => console.error(error));
  const liveStreams = await LiveStreams.start({ ...options, broker, onError: console.error });
  onTestFinished(() => liveStreams.stop());
  const reservations = new Reservations(await world.keys.secret('reservations'));
  return new SignInFailures({ pipeline: await world.process(), liveStreams, reservations, tries, windowMs, blockMs });
}

/** The clock of this process; timers go on as they do. */
function pass(ms: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + ms });
}

afterEach(() => void vi.useRealTimers());

describe('wrong logins, counted in the log', () => {
  it('of one account are refused from the eleventh on, from wherever and in every process, for the window', async () => {
    const world = await World.open();
    const [here, there] = [await startIn(world), await startIn(world)];
    for (let n = 0; n < tries; n += 1) {
      const attempt = ofAccount('ann', `192.0.2.${n}`);
      await (n % 2 ? here : there).assertAllowed(attempt);
      await (n % 2 ? here : there).record(attempt);
    }
    for (const process of [here, there]) {
      await expect(process.assertAllowed(ofAccount('ann', '198.51.100.1'))).rejects.toThrow(refused('sign-in'));
      await process.assertAllowed(ofAccount('bob', '198.51.100.1'));
    }
    pass(windowMs);
    await there.assertAllowed(ofAccount('ann'));
  });

  it('of one account begin anew once its owner has shown the password', async () => {
    const failures = await startIn(await World.open());
    for (let n = 0; n < tries - 1; n += 1) await failures.record(ofAccount('ann'));
    await failures.clear('ann');
    for (let n = 0; n < tries - 1; n += 1) await failures.record(ofAccount('ann'));
    await failures.assertAllowed(ofAccount('ann'));
  });

  it('have an address blocked after five times as many, for every account and in every process, for a while', async () => {
    const world = await World.open();
    const [here, there] = [await startIn(world), await startIn(world)];
    const most = tries * addressFactor;
    for (let n = 0; n < most; n += 1) {
      await here.assertAllowed(ofAccount(`nobody ${n}`));
      await (n % 2 ? here : there).record(ofAccount(`nobody ${n}`));
    }
    for (const process of [here, there]) {
      await expect(process.assertAllowed(ofAccount(idOf(1)))).rejects.toThrow(refused('blocked-address'));
      await process.assertAllowed(ofAccount(idOf(1), '198.51.100.1'));
    }
    pass(blockMs - 60_000);
    await expect(here.assertAllowed(ofAccount(idOf(1)))).rejects.toThrow(refused('blocked-address'));
    pass(60_000);
    await here.assertAllowed(ofAccount(idOf(1)));
  });

  it('of an address that come slowly have nobody blocked', async () => {
    const failures = await startIn(await World.open());
    const most = tries * addressFactor;
    for (let n = 0; n < most - 1; n += 1) await failures.record(ofAccount(`nobody ${n}`));
    pass(windowMs);
    await failures.record(ofAccount('nobody'));
    await failures.assertAllowed(ofAccount('ann'));
  });
});
