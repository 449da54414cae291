import { join } from 'node:path';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import type { RecordedEvent } from '../../domain/event.js';
import { Pipeline, type PipelineOptions } from '../../src/commands/pipeline.js';
import { createCodec } from '../../src/event-store/event-codec.js';
import { MemoryLog, memoryEventStore } from '../../src/event-store/memory.js';
import { memoryKeys } from '../../src/keys/memory.js';
import { Positions } from '../../src/read-store/positions.js';
import { openSqliteReadStore } from '../../src/read-store/sqlite.js';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';

/** What several processes share: a log, keys, and a read store. */
export class World {
  readonly log = new MemoryLog();
  readonly keys = memoryKeys();
  readonly published: RecordedEvent[] = [];
  readonly logger = pino({ level: 'silent' });

  static async open(): Promise<World> {
    const readStore = await openSqliteReadStore(join(await temporaryDirectory(), 'read.db'));
    onTestFinished(() => readStore.close());
    return new World(readStore);
  }

  private constructor(readonly readStore: Awaited<ReturnType<typeof openSqliteReadStore>>) {}

  /** A process with its own caches. */
  process(options: Partial<PipelineOptions> = {}): Promise<Pipeline> {
    return Pipeline.open({
      eventStore: memoryEventStore(this.log),
      codec: createCodec(this.keys),
      keys: this.keys,
      readStore: this.readStore,
      positions: new Positions(this.readStore),
      publish: (event) => this.published.push(event),
      logger: this.logger,
      ...options,
    });
  }

  /** Everything in the log, as it can be read now. */
  async events(): Promise<RecordedEvent[]> {
    return createCodec(this.keys).decode(await memoryEventStore(this.log).readAll(0n, 10_000));
  }

  async typesIn(stream: string): Promise<string[]> {
    return (await this.events())
      .filter((event) => event.stream === stream)
      .map(({ type }) => type.split('.')[1] ?? type);
  }
}
