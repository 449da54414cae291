import { join } from 'node:path';
import { pino } from 'pino';
import { expect, onTestFinished } from 'vitest';
import { events as eventDefinitions } from '../../domain/catalogue.js';
import type { DomainEvent, EventMetadata, RecordedEvent } from '../../domain/event.js';
import { projections } from '../../projections/catalogue.js';
import { erasure, type Projection } from '../../projections/projection.js';
import type { Codec } from '../../src/event-store/codec.js';
import { createCodec } from '../../src/event-store/event-codec.js';
import { MemoryLog, memoryEventStore } from '../../src/event-store/memory.js';
import type { EventStore } from '../../src/event-store/port.js';
import { memoryKeys } from '../../src/keys/memory.js';
import type { Projector } from '../../src/projector/port.js';
import { startProjector } from '../../src/projector/projector.js';
import type { ReadStore } from '../../src/read-store/port.js';
import { Positions } from '../../src/read-store/positions.js';
import { openSqliteReadStore } from '../../src/read-store/sqlite.js';
import { type Documents, fold } from '../domain/projections/folding.js';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';

/** Long enough for a busy machine; nothing is waited for that does not come. */
const patience = 20_000;

/** A log and a read store, over which projectors start, stop and crash. */
export class ProjectorWorld {
  readonly log = new MemoryLog();
  readonly keys = memoryKeys();
  /** That of a process which is slow to hear of who was forgotten. */
  readonly #writer = createCodec(this.keys);
  /** The log in clear. */
  readonly #recorded: RecordedEvent[] = [];
  readonly logger = pino({ level: 'silent' });
  positions: Positions;
  #events = 0;
  readonly #projectors: Projector[] = [];
  #closed = false;

  /** @param openReadStore - opens the same one each time; one of SQLite unless told */
  static async open(openReadStore?: () => Promise<ReadStore>): Promise<ProjectorWorld> {
    const open = openReadStore ?? (await inSqlite());
    const world = new ProjectorWorld(open, await open());
    onTestFinished(() => world.close());
    return world;
  }

  private constructor(
    private readonly openReadStore: () => Promise<ReadStore>,
    public readStore: ReadStore,
  ) {
    this.positions = new Positions(readStore);
  }

  /** Of a process that has just started. */
  get codec(): Codec {
    const codec = createCodec(this.keys);
    for (const person of this.forgotten) codec.forget(person);
    return codec;
  }

  get forgotten(): string[] {
    return this.#recorded.flatMap(forgottenBy);
  }

  get parts() {
    const { codec, readStore, logger, positions } = this;
    return { eventStore: this.eventStore, codec, readStore, logger, positions, projections };
  }

  get eventStore(): EventStore {
    return memoryEventStore(this.log);
  }

  async start(options: Partial<Parameters<typeof startProjector>[0]> = {}): Promise<Projector> {
    const projector = await startProjector({ ...this.parts, ...options });
    this.#projectors.push(projector);
    return projector;
  }

  /** Ends the projectors and closes the read store; a test of many worlds does it for each. */
  async close(): Promise<void> {
    for (const projector of this.#projectors.splice(0)) await projector.stop();
    if (this.#closed) return;
    this.#closed = true;
    await this.readStore.close();
  }

  async reopenReadStore(): Promise<void> {
    await this.readStore.close();
    this.readStore = await this.openReadStore();
    this.positions = new Positions(this.readStore);
  }

  async append(stream: string, ...events: readonly DomainEvent[]): Promise<void> {
    await this.#writer.prepare(events);
    const encoded = events.map((event) => {
      this.#events += 1;
      const id = `01900000-0000-7000-8000-${String(this.#events).padStart(12, '0')}`;
      return this.#writer.encode(event, id, metadataAt(this.#events));
    });
    const append = { stream, expectedRevision: this.log.headRevision(stream), events: encoded };
    for (const [index, stored] of (await this.eventStore.append([append])).entries()) {
      const metadata = JSON.parse(stored.metadata);
      this.#recorded.push({ ...stored, metadata, data: (events[index] as DomainEvent).data });
    }
  }

  /** Waits until the live read models hold the whole log. */
  async caughtUp(names: readonly string[] = projections.map(({ name }) => name)): Promise<void> {
    expect(await this.positions.waitFor(names, this.log.head(), patience)).toBe(true);
  }

  /** What the live generation of a projection holds. */
  async documents(projection: Projection): Promise<Documents> {
    const documents: Documents = {};
    const live = await this.readStore.open(projection);
    for await (const { collection, id, document } of this.readStore.dump(live))
      documents[`${collection}/${id}`] = document;
    return documents;
  }

  /** What it should hold, folded event by event without any batch, cache or store. */
  async expected(projection: Projection, through: bigint): Promise<Documents> {
    const events = this.#recorded.filter(({ position }) => position <= through);
    return fold(projection, withoutForgotten(events));
  }

  /**
   * Each read model is what the log makes of it up to its checkpoint. What was personal to those who are forgotten behind
   * that may be gone already.
   */
  async expectPrefixes(): Promise<void> {
    const { forgotten } = this;
    for (const projection of projections) {
      const through = await this.readStore.liveCheckpoint(projection.name);
      const expected = await this.expected(projection, through);
      const documents = await this.documents(projection);
      if (through < this.log.head()) for (const each of [expected, documents]) erase(projection, each, forgotten);
      // As text: also the order of fields must be the same.
      expect(JSON.stringify(sorted(documents))).toBe(JSON.stringify(sorted(expected)));
    }
  }

  /** Each read model is what the whole log makes of it. */
  async expectAllRight(): Promise<void> {
    for (const { name } of projections) expect(await this.readStore.liveCheckpoint(name)).toBe(this.log.head());
    await this.expectPrefixes();
  }
}

async function inSqlite(): Promise<() => Promise<ReadStore>> {
  const path = join(await temporaryDirectory(), 'read-models.db');
  return () => openSqliteReadStore(path);
}

function sorted(documents: Documents): [string, unknown][] {
  return Object.entries(documents).sort(([a], [b]) => (a < b ? -1 : 1));
}

function forgottenBy({ type, data }: RecordedEvent): string[] {
  const forgets = eventDefinitions.get(type)?.forgets;
  return forgets === undefined ? [] : [(data as Record<string, string>)[forgets] as string];
}

/** Personal fields are `null` behind the event that forgets their person. */
function withoutForgotten(events: readonly RecordedEvent[]): RecordedEvent[] {
  const forgotten = new Set<string>();
  return events.map((event) => {
    for (const person of forgottenBy(event)) forgotten.add(person);
    const data = { ...(event.data as Record<string, unknown>) };
    for (const [field, of] of Object.entries(eventDefinitions.get(event.type)?.personal ?? {})) {
      if (forgotten.has(data[of] as string)) data[field] = null;
    }
    return { ...event, data };
  });
}

function erase({ collections }: Projection, documents: Documents, forgotten: readonly string[]): void {
  for (const { name, personal = {} } of collections) {
    for (const [field, fields] of Object.entries(personal)) {
      for (const [key, document] of Object.entries(documents)) {
        if (!key.startsWith(`${name}/`)) continue;
        for (const person of forgotten) erasure(field, person, fields).fold(document, undefined as never, key);
      }
    }
  }
}

function metadataAt(count: number): Omit<EventMetadata, 'version'> {
  const at = new Date(Date.UTC(2030, 0, 1) + count).toISOString();
  const version = count % 2 === 0 ? '8' : '7';
  return {
    // Every other command may be sent again; some make two events.
    commandId: `01900000-0000-${version}000-8000-${String(Math.floor(count / 3)).padStart(12, '0')}`,
    commandType: 'test.Given',
    commandHash: 'hash',
    actor: 'system',
    correlation: 'test',
    occurredAt: at,
    recordedAt: at,
    prevHash: '',
  };
}
