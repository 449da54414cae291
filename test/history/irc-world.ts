import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemActor } from '../../domain/decider.js';
import type { RecordedEvent } from '../../domain/event.js';
import type { Codec } from '../../src/event-store/codec.js';
import { createCodec } from '../../src/event-store/event-codec.js';
import { memoryEventStore } from '../../src/event-store/memory.js';
import type { EventStore } from '../../src/event-store/port.js';
import { type ImportResult, type IrcImportOptions, importTranscripts } from '../../src/history/irc/import.js';
import { personOfNickname } from '../../src/history/irc/nickname.js';
import { Transcript } from '../../src/history/irc/transcript.js';
import { World } from '../commands/world.js';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';

type ImportSettings = Partial<Pick<IrcImportOptions, 'channel' | 'signal' | 'onProgress' | 'lotLines'>> & {
  readonly eventStore?: EventStore;
  readonly codec?: Codec;
};

/** A directory with transcripts, and a log to import them into. */
export class IrcWorld {
  private constructor(
    readonly world: World,
    private readonly directory: string,
  ) {}

  static async open(): Promise<IrcWorld> {
    return new IrcWorld(await World.open(), await temporaryDirectory());
  }

  /** @returns the path */
  async write(name: string, content: string | Buffer): Promise<string> {
    const path = join(this.directory, name);
    await writeFile(path, content);
    return path;
  }

  async append(path: string, content: string): Promise<void> {
    await appendFile(path, content);
  }

  /** Imports in a process of its own, with nothing left in memory from the one before. */
  async import(paths: readonly string[], settings: ImportSettings = {}): Promise<ImportResult> {
    const { keys } = this.world;
    const { eventStore, codec = createCodec(keys), ...options } = settings;
    const key = await keys.secret('reservations');
    const transcripts = await Promise.all(paths.map((path) => Transcript.open(path, key)));
    const pipeline = await this.world.process({ codec, ...(eventStore && { eventStore }) });
    return importTranscripts({ pipeline, codec, channel: 'test', transcripts, key, ...options });
  }

  /** Forgets the person of a nickname, with their key; those who import meanwhile hear of it by their codec. */
  async forget(nickname: string, importing?: Codec): Promise<void> {
    const { keys } = this.world;
    const personId = personOfNickname(nickname, await keys.secret('reservations'));
    const input = { personId, emailReservation: null, usernameReservation: null, usernameRevision: 0 };
    await (await this.world.process()).execute({ type: 'identity.ForgetPerson', input, actor: systemActor });
    await keys.destroy([personId]);
    importing?.forget(personId);
  }

  /** What the log says happened in the channel: without the records of lines, with people's names. */
  async story(): Promise<string[]> {
    const events = await this.events();
    const names = new Map(
      events
        .filter(({ type }) => type === 'identity.ProfileCreated')
        .map(({ data }) => {
          const { personId, name } = data as { personId: string; name: string };
          return [personId, name];
        }),
    );
    return events.filter(({ stream }) => stream.startsWith('channel-')).flatMap((event) => tell(event, names));
  }

  async events(): Promise<RecordedEvent[]> {
    const { log, keys } = this.world;
    return createCodec(keys).decode(await memoryEventStore(log).readAll(0n, Number.MAX_SAFE_INTEGER));
  }
}

function tell({ type, data, metadata }: RecordedEvent, names: ReadonlyMap<string, string>): string[] {
  const fields = data as Record<string, string | null>;
  const name = names.get(String(fields.personId ?? fields.authorId));
  const time = metadata.occurredAt.slice(5, 16);
  switch (type) {
    case 'conversations.MessagePosted':
      return [`${time} ${fields.kind === 'action' ? `* ${name}` : `<${name}>`} ${fields.text}`];
    case 'conversations.MemberJoined':
      return [`${time} ${name} ${fields.how}`];
    case 'conversations.MemberLeft':
      return [`${time} ${name} ${fields.how}${fields.reason ? ` (${fields.reason})` : ''}`];
    case 'conversations.MemberRemoved':
      return [`${time} ${name} removed`];
    default:
      return [];
  }
}
