import { randomUUID } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { ChannelCreated, MemberJoined, MessagePosted } from '../../domain/conversations/channel.js';
import type { DomainEvent, EventMetadata } from '../../domain/event.js';
import { streamName } from '../../domain/ids.js';
import { hashEvent } from '../../src/event-store/hash.js';
import type { EncodedEvent } from '../../src/event-store/port.js';
import type { Stores } from './stores.js';

export interface SeededChannel {
  readonly channelId: string;
  /** Some of its members. */
  readonly members: readonly string[];
}

const eventsOfAppend = 1_000;
const text = 'Does anybody know how to mount a USB stick without being root?';

/** Writes a channel into the log as the pipeline would have, without deciding each event. */
export async function seedChannel(
  stores: Stores,
  { messages, members: count }: { readonly messages: number; readonly members: number },
): Promise<SeededChannel> {
  const channelId = randomUUID();
  const members = Array.from({ length: count }, () => randomUUID());
  const log = new StreamWriter(stores, streamName('channel', channelId));
  for (const event of channelEvents(channelId, members, messages)) await log.add(event);
  await log.flush();
  return { channelId, members };
}

function* channelEvents(channelId: string, members: readonly string[], messages: number): Generator<DomainEvent> {
  const [owner = '', ...others] = members;
  yield ChannelCreated({ channelId, name: 'bench', kind: 'public', history: 'all', createdBy: owner });
  yield MemberJoined({ personId: owner, role: 'owner', how: 'created' });
  for (const personId of others) yield MemberJoined({ personId, role: 'member', how: 'joined' });
  for (let message = 0; message < messages; message += 1) {
    const authorId = members[message % members.length] as string;
    yield MessagePosted({ authorId, kind: 'message', text });
  }
}

/** Appends to a stream that nobody else writes, in large lots. */
class StreamWriter {
  #waiting: DomainEvent[] = [];
  #revision = -1;
  #lastHash = '';

  constructor(
    private readonly stores: Stores,
    private readonly stream: string,
  ) {}

  async add(event: DomainEvent): Promise<void> {
    if (this.#waiting.push(event) === eventsOfAppend) await this.flush();
  }

  async flush(): Promise<void> {
    const { codec, eventStore } = this.stores;
    await codec.prepare(this.#waiting);
    const events = this.#waiting.map((event, index) => this.#encode(event, this.#revision + 1 + index));
    await eventStore.append([{ stream: this.stream, expectedRevision: this.#revision, events }]);
    this.#revision += events.length;
    this.#waiting = [];
  }

  #encode(event: DomainEvent, revision: number): EncodedEvent {
    const encoded = this.stores.codec.encode(event, uuidv7(), metadataOf(event, this.#lastHash));
    this.#lastHash = hashEvent({ ...encoded, stream: this.stream, revision });
    return encoded;
  }
}

function metadataOf({ type, data }: DomainEvent, prevHash: string): Omit<EventMetadata, 'version'> {
  const { authorId, personId } = data as { authorId?: string; personId?: string };
  const commandId = uuidv7();
  const now = new Date().toISOString();
  return {
    actor: authorId ?? personId ?? 'system',
    commandHash: prevHash,
    commandId,
    commandType: type,
    correlation: commandId,
    occurredAt: now,
    prevHash,
    recordedAt: now,
  };
}
