import { setImmediate as turn } from 'node:timers/promises';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InProcessBroker } from '../../src/broker/in-process.js';
import type { Pipeline } from '../../src/commands/pipeline.js';
import {
  type CommandExecutor,
  CommandRejected,
  type CommandReply,
  type CommandRequest,
  InvalidInput,
  ProjectionBehind,
  ShuttingDown,
} from '../../src/commands/port.js';
import { RemoteCommands } from '../../src/commands/remote.js';
import { CommandResponder } from '../../src/commands/remote-responder.js';
import { SubjectForgotten } from '../../src/event-store/codec.js';
import { EventTooLarge, OutcomeUnknown } from '../../src/event-store/port.js';
import { ServerUnavailable } from '../../src/server-unavailable.js';
import { World } from './world.js';

const logger = pino({ level: 'silent' });
const ann = { id: '018f0000-0000-7000-8000-000000000001', session: 'a session', role: 'analyst' } as const;

const reply: CommandReply = { id: 'a', stream: 'channel-a', revision: 3, position: '17', messageId: 'b' };

function unfinished(): { finished: Promise<void>; finish: () => void } {
  let finish = () => {};
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  return { finished, finish: () => finish() };
}

/** A command on a stream of its own for each number. */
function post(channel: number, more: Partial<CommandRequest> = {}): CommandRequest {
  const channelId = `018f0000-0000-7000-8000-${String(channel).padStart(12, '0')}`;
  return { type: 'conversations.PostMessage', input: { channelId, text: 'hello' }, actor: ann, ...more };
}

describe('commands sent to another process', () => {
  let broker: InProcessBroker;
  let remote: RemoteCommands;
  const responders: CommandResponder[] = [];

  beforeEach(() => {
    broker = new InProcessBroker((error) => console.error(error));
    remote = new RemoteCommands({ broker });
  });

  afterEach(async () => {
    remote.stop();
    for (const responder of responders.splice(0)) await responder.stop();
  });

  /** Another process, which is known when this has resolved. */
  async function serve(execute: CommandExecutor['execute']): Promise<CommandResponder> {
    const responder = new CommandResponder({ broker, commands: { execute }, logger });
    responders.push(responder);
    await turn();
    return responder;
  }

  it('are executed there as they were given, and answered here', async () => {
    const executed: CommandRequest[] = [];
    await serve(async (request) => {
      executed.push(request);
      return reply;
    });
    const request = post(1, { idempotencyKey: 'key', ifMatch: 7, correlation: 'c' });
    expect(await remote.execute(request)).toEqual(reply);
    expect(executed).toEqual([request]);
  });

  it.each([
    new CommandRejected('last-owner'),
    new CommandRejected('end-not-after-start', 'It ends at nine.', 'endsAt'),
    new CommandRejected('idempotency-key-reused'),
    new InvalidInput([{ field: 'text', message: 'is required' }], ['text', 'channelId']),
    new OutcomeUnknown('the disk has failed'),
    new ProjectionBehind('commands'),
    new EventTooLarge(300_000),
    new SubjectForgotten('018f0000-0000-7000-8000-000000000001'),
    new ServerUnavailable('mongodb://a:27017 does not answer'),
  ])('are refused here as there: %o', async (error) => {
    await serve(async () => {
      throw error;
    });
    const refused = await remote.execute(post(1)).catch((thrown: unknown) => thrown);
    expect(refused).toBeInstanceOf(error.constructor);
    expect({ ...(refused as Error), message: (refused as Error).message }).toEqual({
      ...error,
      message: error.message,
    });
  });

  it('tell nothing of an error that nobody foresaw', async () => {
    await serve(async () => {
      throw new TypeError('ann@example.org is undefined');
    });
    const refused = await remote.execute(post(1)).catch((thrown: unknown) => thrown);
    expect(refused).toBeInstanceOf(Error);
    expect(String(refused)).not.toContain('example.org');
  });

  it('are not sent with an input that does not fit', async () => {
    let asked = false;
    await serve(async () => {
      asked = true;
      return reply;
    });
    await expect(remote.execute({ ...post(1), input: { text: 7 } })).rejects.toThrow(InvalidInput);
    expect(asked).toBe(false);
  });

  it('are surely not executed where nobody does so', async () => {
    await expect(remote.execute(post(1))).rejects.toThrow(ServerUnavailable);
  });

  it('go to whoever is there before they are known', async () => {
    await serve(async () => reply);
    const newcomer = new RemoteCommands({ broker });
    expect(await newcomer.execute(post(1))).toEqual(reply);
    newcomer.stop();
  });

  it('have an unknown outcome where no answer comes, and the next ones go elsewhere', async () => {
    const impatient = new RemoteCommands({ broker, timeoutMs: 20 });
    const { finished, finish } = unfinished();
    let frozen: string | undefined;
    for (const name of ['one', 'other']) {
      await serve(async () => {
        frozen ??= name;
        if (frozen === name) await finished;
        return { ...reply, name };
      });
    }
    await expect(impatient.execute(post(1))).rejects.toThrow(OutcomeUnknown);
    expect(await impatient.execute(post(1))).toMatchObject({ name: frozen === 'one' ? 'other' : 'one' });
    finish();
    impatient.stop();
  });

  it('go on to another process when one is about to stop', async () => {
    let stopping: string | undefined;
    for (const name of ['one', 'other']) {
      await serve(async () => {
        stopping ??= name;
        if (stopping === name) throw new ShuttingDown();
        return { ...reply, name };
      });
    }
    expect(await remote.execute(post(1))).toMatchObject({ name: stopping === 'one' ? 'other' : 'one' });
  });

  it('are not sent to a process that has stopped, and finished where they were taken', async () => {
    const { finished, finish } = unfinished();
    const first = await serve(async () => {
      await finished;
      return reply;
    });
    const taken = remote.execute(post(1));
    await turn();
    const stopped = first.stop();
    await serve(async () => ({ ...reply, id: 'second' }));
    expect(await remote.execute(post(1))).toMatchObject({ id: 'second' });
    finish();
    await stopped;
    expect(await taken).toEqual(reply);
  });

  it('go to one process for each stream, whoever sends them, and in order', async () => {
    const other = new RemoteCommands({ broker });
    const executed = new Map<string, { servers: Set<number>; keys: string[] }>();
    for (const server of [1, 2, 3]) {
      await serve(async ({ input, idempotencyKey }) => {
        const { channelId } = input as { channelId: string };
        const seen = executed.get(channelId) ?? { servers: new Set(), keys: [] };
        executed.set(channelId, seen);
        seen.servers.add(server);
        seen.keys.push(String(idempotencyKey));
        return reply;
      });
    }
    const keys = Array.from({ length: 10 }, (_, n) => `key-${n}`);
    const channels = Array.from({ length: 30 }, (_, n) => n);
    const sent = keys.flatMap((idempotencyKey, n) =>
      channels.map((channel) => (n % 2 ? other : remote).execute(post(channel, { idempotencyKey }))),
    );
    await Promise.all(sent);
    expect(executed.size).toBe(channels.length);
    for (const seen of executed.values()) expect(seen).toEqual({ servers: expect.anything(), keys });
    expect([...executed.values()].map(({ servers }) => servers.size)).toEqual(channels.map(() => 1));
    expect(new Set([...executed.values()].flatMap(({ servers }) => [...servers]))).toEqual(new Set([1, 2, 3]));
    other.stop();
  });

  it('have one effect under their key, whichever process executes them', async () => {
    const world = await World.open();
    const processes: Pipeline[] = [await world.process(), await world.process()];
    for (const process of processes) await serve((request) => process.execute(request));
    const request: CommandRequest = {
      type: 'conversations.CreateChannel',
      input: { name: 'general' },
      actor: ann,
      idempotencyKey: 'once',
    };
    const first = await remote.execute(request);
    const again = await Promise.all(processes.map((process) => process.execute(request)));
    expect([await remote.execute(request), ...again]).toEqual([first, first, first]);
    expect(await world.typesIn(first.stream)).toEqual(['ChannelCreated', 'MemberJoined']);
  });
});
