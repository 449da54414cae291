import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type LossReason, NatsBroker } from '../../src/broker/nats.js';
import { type NatsAddress, parseNatsAddress } from '../../src/broker/nats-address.js';
import { inspectNats } from '../../src/broker/nats-inspection.js';
import { type Broker, NoAnswer, NotDelivered } from '../../src/broker/port.js';
import { findLauncher, findServer } from '../fixtures/servers/find-server.js';
import { nats } from '../fixtures/servers/nats.js';
import type { LaunchedServer, TestServer } from '../fixtures/servers/server.js';
import { describeBroker, settled, subjects } from './broker.js';

const logger = pino({ level: 'silent' });
const source = await findServer(nats, 'the contract of the broker over NATS');
const launcher = await findLauncher(nats, 'what the broker over NATS does when its server fails');

interface Opened {
  readonly broker: NatsBroker;
  readonly losses: LossReason[];
}

async function open(url: string): Promise<Opened> {
  const losses: LossReason[] = [];
  const broker = await NatsBroker.open({ address: addressOf(url), logger, onLoss: (reason) => losses.push(reason) });
  return { broker, losses };
}

function addressOf(url: string): NatsAddress {
  const address = parseNatsAddress(url);
  if (!address) throw new Error(`${url} is no address of NATS`);
  return address;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(5);
}

describe.skipIf(!source)('on a server of NATS', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = (await source?.start()) as TestServer;
  });

  afterAll(() => server?.stop());

  describeBroker('NATS', {
    async open() {
      const [{ broker: here }, { broker: there }] = [await open(server.url), await open(server.url)];
      return {
        here,
        there,
        async close() {
          await here.close();
          await there.close();
        },
      };
    },
  });

  describe('a broker over NATS', () => {
    let here: Opened;
    let there: Opened;
    const { topic, service } = subjects();

    beforeEach(async () => {
      here = await open(server.url);
      there = await open(server.url);
    });

    afterEach(async () => {
      await here.broker.close();
      await there.broker.close();
    });

    it('leaves a message that is larger than the server takes to the log, and counts it', async () => {
      const messages: unknown[] = [];
      there.broker.subscribe(topic('large'), (message) => messages.push(message));
      await settled(here.broker, there.broker);
      here.broker.publish(topic('large'), 'x'.repeat(64 * 1024 * 1024));
      here.broker.publish(topic('large'), 'small');
      await settled(here.broker, there.broker);
      expect(messages).toEqual(['small']);
      expect(here.losses).toEqual(['too-large']);
    });

    it('does not ask what is larger than the server takes: nothing was done', async () => {
      there.broker.respond(service('large-question'), async () => null);
      await settled(there.broker, here.broker);
      const asking = here.broker.request(service('large-question'), 'x'.repeat(64 * 1024 * 1024), {
        timeoutMs: 10_000,
      });
      await expect(asking).rejects.toThrow(NotDelivered);
    });

    it('does not let somebody wait for an answer that is larger than the server takes', async () => {
      there.broker.respond(service('large-answer'), async () => 'x'.repeat(64 * 1024 * 1024));
      await settled(there.broker, here.broker);
      const asking = here.broker.request(service('large-answer'), null, { timeoutMs: 3_600_000 });
      await expect(asking).rejects.toThrow(NoAnswer);
      expect(there.losses).toEqual(['too-large']);
    });

    it('drops and counts what does not have the shape that it should', async () => {
      const shaped = { ...topic('shaped'), message: z.strictObject({ revision: z.int() }) };
      const messages: unknown[] = [];
      there.broker.subscribe(shaped, (message) => messages.push(message));
      await settled(here.broker, there.broker);
      for (const message of [{ revision: '1' }, null, [], { revision: 1, more: true }, { revision: 2 }]) {
        here.broker.publish(topic('shaped'), message);
      }
      await settled(here.broker, there.broker);
      expect(messages).toEqual([{ revision: 2 }]);
      expect(there.losses).toEqual(Array(4).fill('malformed'));
    });

    it('takes no answer that does not have the shape that it should', async () => {
      there.broker.respond(service('shaped-answer'), async () => 'no number');
      await settled(there.broker, here.broker);
      const shaped = { ...service('shaped-answer'), answer: z.int() };
      await expect(here.broker.request(shaped, null, { timeoutMs: 3_600_000 })).rejects.toThrow(NoAnswer);
    });

    it('keeps installations apart that share a server under different namespaces', async () => {
      const elsewhere = await open(`${server.url}/elsewhere`);
      const messages: unknown[] = [];
      elsewhere.broker.subscribe(topic('a'), (message) => messages.push(message));
      await settled(elsewhere.broker, elsewhere.broker);
      here.broker.publish(topic('a'), 'from here');
      await settled(here.broker, there.broker);
      await settled(elsewhere.broker, elsewhere.broker);
      expect(messages).toEqual([]);
      await elsewhere.broker.close();
    });

    it('can be inspected', async () => {
      expect(await inspectNats(addressOf(server.url))).toMatchObject({
        version: expect.stringMatching(/^2\./),
        maxPayload: expect.any(Number),
        encrypted: expect.any(Boolean),
        fault: undefined,
      });
    });
  });
});

describe.skipIf(!launcher)('when the server of NATS fails', () => {
  let server: LaunchedServer;
  const opened: Broker[] = [];

  beforeEach(async () => {
    server = (await launcher?.start()) as LaunchedServer;
  });

  afterEach(async () => {
    for (const broker of opened.splice(0)) await broker.close();
    await server?.stop();
  });

  async function openHere(url = server.url): Promise<Opened> {
    const one = await open(url);
    opened.push(one.broker);
    return one;
  }

  function reconnectionsOf({ broker }: Opened): { count: number } {
    const reconnections = { count: 0 };
    broker.onReconnect(() => {
      reconnections.count += 1;
    });
    return reconnections;
  }

  it.each(['SIGTERM', 'SIGKILL'] as const)('is back after a restart by %s, with its subscriptions', async (by) => {
    const { topic, service } = subjects();
    const [here, there] = [await openHere(), await openHere()];
    const reconnections = [reconnectionsOf(here), reconnectionsOf(there)];
    const messages: unknown[] = [];
    there.broker.subscribe(topic('a'), (message) => messages.push(message));
    there.broker.respond(service('a'), async (question) => question);
    await settled(here.broker, there.broker);

    await server.restart({
      by,
      async whileDown() {
        await until(() => here.broker.fault !== undefined && there.broker.fault !== undefined);
        here.broker.publish(topic('a'), 'while it is away');
        expect(here.losses).toEqual(['unreachable']);
        const asking = here.broker.request(service('a'), 1, { timeoutMs: 10_000 });
        await expect(asking).rejects.toThrow(NotDelivered);
      },
    });
    await until(() => reconnections.every(({ count }) => count === 1));

    expect([here.broker.fault, there.broker.fault]).toEqual([undefined, undefined]);
    here.broker.publish(topic('a'), 'when it is back');
    await settled(here.broker, there.broker);
    expect(messages).toEqual(['when it is back']);
    expect(await here.broker.request(service('a'), 1, { timeoutMs: 10_000 })).toBe(1);
  });

  it('does not know what was done when the connection breaks before the answer', async () => {
    const { service } = subjects();
    const [here, there] = [await openHere(), await openHere()];
    let asked = () => {};
    const gotQuestion = new Promise<void>((resolve) => {
      asked = resolve;
    });
    there.broker.respond(service('a'), () => {
      asked();
      return new Promise(() => {});
    });
    await settled(there.broker, here.broker);
    const asking = here.broker.request(service('a'), 1, { timeoutMs: 3_600_000 });
    const refused = expect(asking).rejects.toThrow(NoAnswer);
    await gotQuestion;
    await server.restart({ by: 'SIGKILL' });
    await refused;
  });

  it('starts without a server, and tells when it is there', async () => {
    let here: Opened | undefined;
    const reconnections: { count: number }[] = [];
    await server.restart({
      async whileDown() {
        here = await openHere();
        reconnections.push(reconnectionsOf(here));
        expect(here.broker.fault).toMatch(/refused/);
      },
    });
    await until(() => reconnections[0]?.count === 1);
    expect(here?.broker.fault).toBeUndefined();
  });

  it('gives up a server that is frozen, however much is on its way to it, and goes to another', async () => {
    const other = (await launcher?.start()) as LaunchedServer;
    try {
      const { topic } = subjects();
      let here: Opened | undefined;
      await other.restart({
        async whileDown() {
          here = await openHere(`${server.url},${other.url}`);
        },
      });
      const { broker, losses } = here as Opened;
      const reconnections = reconnectionsOf(here as Opened);
      await server.signal('SIGSTOP');
      while (!losses.includes('congested')) broker.publish(topic('a'), 'x'.repeat(500_000));
      await until(() => reconnections.count === 1);
      await settled(broker, (await openHere(other.url)).broker);
    } finally {
      await other.stop();
    }
  });

  it('sends at its end what was published before, also to a server that has not taken it yet', async () => {
    const { topic } = subjects();
    const [here, there] = [await openHere(), await openHere()];
    const messages: unknown[] = [];
    there.broker.subscribe(topic('a'), (message) => messages.push(message));
    await settled(here.broker, there.broker);
    await server.signal('SIGSTOP');
    // more than sockets hold
    for (let n = 0; n < 100; n += 1) here.broker.publish(topic('a'), 'x'.repeat(150_000));
    const closed = here.broker.close();
    await delay(50);
    await server.signal('SIGCONT');
    await closed;
    await until(() => messages.length === 100);
  });

  it('does not wait at its end for a server that is frozen', async () => {
    const { topic } = subjects();
    const here = await openHere();
    await server.signal('SIGSTOP');
    for (let n = 0; n < 100; n += 1) here.broker.publish(topic('a'), 'x'.repeat(150_000));
    await here.broker.close();
  });

  it('does not give up when its credentials are refused', async () => {
    const locked = (await launcher?.start(['--user', 'parley', '--pass', 'correct horse'])) as LaunchedServer;
    try {
      const wrong = await openHere(locked.url.replace('nats://', 'nats://parley:wrong@'));
      expect(wrong.broker.fault).toMatch(/authorization/i);
      const right = await openHere(locked.url.replace('nats://', 'nats://parley:correct%20horse@'));
      expect(right.broker.fault).toBeUndefined();
    } finally {
      await locked.stop();
    }
  });
});
