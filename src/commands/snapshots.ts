import type { Logger } from 'pino';
import type { Codec } from '../event-store/codec.js';
import type { Generation, ProjectionShape, ReadStore } from '../read-store/port.js';
import type { LoadedStream, StreamSnapshot } from './loaded-stream.js';

/** Snapshots live in the read store, since they too can be deleted at any time. */
const shape: ProjectionShape = { name: 'snapshots', version: 1, collections: [{ name: 'snapshots', indexes: [] }] };

/** So that a load after a restart folds a few milliseconds' worth of events. */
export const eventsBetweenSnapshots = 2_000;

/** What a stream must have grown by since its last snapshot to get one when the pipeline is drained. */
export const eventsBeforeLastSnapshot = 500;

/** Streams that have not come to this revision have no snapshot. */
export const firstSnapshotRevision = eventsBeforeLastSnapshot - 1;

/** The key under which snapshots are sealed: they hold ids of people. */
const subject = 'snapshots';

/** A disposable, sealed cache of folded streams, keyed by (stream, version of the aggregate). */
export class Snapshots {
  #pending: Promise<unknown> = Promise.resolve();
  readonly #scheduled = new Set<string>();

  private constructor(
    private readonly readStore: ReadStore,
    private readonly codec: Codec,
    private readonly generation: Generation,
    private readonly logger: Logger,
  ) {}

  static async open(readStore: ReadStore, codec: Codec, logger: Logger): Promise<Snapshots> {
    return new Snapshots(readStore, codec, await readStore.open(shape), logger);
  }

  /** @returns undefined where there is none of this version, or it can't be opened */
  async load(stream: string, version: number): Promise<StreamSnapshot | undefined> {
    const kept = await this.readStore.read((reader) =>
      reader.get<{ version: number; sealed: string }>('snapshots', stream),
    );
    if (kept?.version !== version) return undefined;
    const text = await this.codec.openText(subject, stream, kept.sealed);
    return text === undefined ? undefined : (JSON.parse(text) as StreamSnapshot);
  }

  /** Takes a snapshot of a stream that has grown this much since its last one; written later, off the path of commands. */
  consider(loaded: LoadedStream, growth: number): void {
    if (loaded.revision - loaded.snapshotRevision < growth) return;
    if (this.#scheduled.has(loaded.stream)) return;
    loaded.snapshotRevision = loaded.revision;
    const { stream, aggregate } = loaded;
    // Serialised at once, since the state goes on evolving.
    const text = JSON.stringify(loaded.toSnapshot());
    this.#scheduled.add(stream);
    this.#pending = this.#pending
      .then(() => this.#write(stream, aggregate.version, text))
      .catch((error: unknown) => this.logger.warn({ err: error, stream }, 'could not write a snapshot'))
      .finally(() => this.#scheduled.delete(stream));
  }

  async #write(stream: string, version: number, text: string): Promise<void> {
    const document = { version, sealed: await this.codec.sealText(subject, stream, text) };
    await this.readStore.put(this.generation, [{ collection: 'snapshots', id: stream, document }]);
  }

  /** Resolves once everything considered is written. */
  async settled(): Promise<void> {
    await this.#pending;
  }
}
