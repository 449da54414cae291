import { join } from 'node:path';
import { pino } from 'pino';
import { expect, onTestFinished } from 'vitest';
import type { DomainEvent, EventMetadata } from '../../domain/event.js';
import { projections } from '../../projections/catalogue.js';
import type { Projection } from '../../projections/projection.js';
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
  readonly codec = createCodec(memoryKeys());
  readonly logger = pino({ level: 'silent' });
  positions: Positions;
  #events = 0;
  readonly #projectors: Projector[] = [];
  #closed = false;

  static async open(): Promise<ProjectorWorld> {
    const path = join(await temporaryDirectory(), 'read-models.db');
    const world = new ProjectorWorld(path, await openSqliteReadStore(path));
    onTestFinished(() => world.close());
    return world;
  }

  private constructor(
    private readonly path: string,
    public readStore: ReadStore,
  ) {
    this.positions = new Positions(readStore);
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
    this.readStore = await openSqliteReadStore(this.path);
    this.positions = new Positions(this.readStore);
  }

  async append(stream: string, ...events: readonly DomainEvent[]): Promise<void> {
    await this.codec.prepare(events);
    const encoded = events.map((event) => {
      this.#events += 1;
      const id = `01900000-0000-7000-8000-${String(this.#events).padStart(12, '0')}`;
      return this.codec.encode(event, id, metadataAt(this.#events));
    });
    await this.eventStore.append([{ stream, expectedRevision: this.log.headRevision(stream), events: encoded }]);
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
    const events = await this.codec.decode(await this.eventStore.readAll(0n, Number.MAX_SAFE_INTEGER));
    return fold(
      projection,
      events.filter(({ position }) => position <= through),
    );
  }

  /** Each read model is what the log makes of it up to its checkpoint. */
  async expectPrefixes(): Promise<void> {
    for (const projection of projections) {
      const through = await this.readStore.liveCheckpoint(projection.name);
      const expected = await this.expected(projection, through);
      // As text: also the order of fields must be the same.
      expect(JSON.stringify(sorted(await this.documents(projection)))).toBe(JSON.stringify(sorted(expected)));
    }
  }

  /** Each read model is what the whole log makes of it. */
  async expectAllRight(): Promise<void> {
    for (const { name } of projections) expect(await this.readStore.liveCheckpoint(name)).toBe(this.log.head());
    await this.expectPrefixes();
  }
}

function sorted(documents: Documents): [string, unknown][] {
  return Object.entries(documents).sort(([a], [b]) => (a < b ? -1 : 1));
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
