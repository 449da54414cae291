import { platformSecurity, platformSecurityStream } from '../../../domain/identity/platform-security.js';
import { ProfileCreated } from '../../../domain/identity/profile.js';
import type { Pipeline } from '../../commands/pipeline.js';
import { CommandRejected } from '../../commands/port.js';
import { type Codec, SubjectForgotten } from '../../event-store/codec.js';
import { type ImportedChannel, openImportedChannel } from './imported-channel.js';
import { Lot, type LotContext } from './lot.js';
import { introductionOf, type Newcomer, People } from './people.js';
import { Tally } from './tally.js';
import type { Transcript } from './transcript.js';

export interface IrcImportOptions {
  readonly pipeline: Pick<Pipeline, 'execute' | 'executeTogether' | 'loadState'>;
  /** The pipeline's. */
  readonly codec: Pick<Codec, 'prepare'>;
  /** Name of the channel; imports under the same name go into the same one. */
  readonly channel: string;
  /** In the order in which they are imported. */
  readonly transcripts: readonly Transcript[];
  /** Makes people's ids from nicknames; must stay the same for ever. */
  readonly key: Buffer;
  /** Ends the import behind the lot that is under way. */
  readonly signal?: AbortSignal;
  /** Told whenever a lot is in the log. */
  readonly onProgress?: (progress: ImportProgress) => void;
  /** Lines that are appended together. */
  readonly lotLines?: number;
}

export interface ImportProgress {
  /** Bytes of the files that are done with, imported now or before. */
  readonly bytes: number;
  readonly messages: number;
}

export interface ImportResult {
  readonly channelId: string;
  readonly tally: Tally;
  /** Lines that were imported by an earlier run. */
  readonly linesBefore: number;
  readonly interrupted: boolean;
}

/** Enough that a commit is cheap beside its lines; few enough that others who post get their turn. */
const defaultLotLines = 1_000;

/**
 * A lot is refused when others changed the channel meanwhile, or someone was forgotten; more often than this in a row,
 * something is wrong.
 */
const maxRefusals = 5;

/** Imports transcripts into one channel, through the same commands that clients issue. */
export async function importTranscripts(options: IrcImportOptions): Promise<ImportResult> {
  return new IrcImport(options).run();
}

class IrcImport {
  readonly #tally = new Tally();
  readonly #linesBefore = new Map<Transcript, number>();
  #bytes = 0;

  constructor(private readonly options: IrcImportOptions) {}

  async run(): Promise<ImportResult> {
    let refusals = 0;
    for (;;) {
      const channel = await openImportedChannel(this.options.pipeline, this.options.channel);
      const before = this.#tally.counts.lines;
      try {
        await this.#importInto(channel);
        return this.#result(channel);
      } catch (error) {
        refusals = this.#tally.counts.lines > before ? 1 : refusals + 1;
        if (!isRefusal(error) || refusals > maxRefusals) throw error;
      }
    }
  }

  #result({ id }: ImportedChannel): ImportResult {
    return {
      channelId: id,
      tally: this.#tally,
      linesBefore: [...this.#linesBefore.values()].reduce((sum, lines) => sum + lines, 0),
      interrupted: this.options.signal?.aborted ?? false,
    };
  }

  async #importInto(channel: ImportedChannel): Promise<void> {
    this.#bytes = 0;
    for await (const lot of oneAhead(this.#preparedLots(channel))) {
      await this.options.pipeline.executeTogether(lot.commands);
      this.#tally.add(lot.tally);
      this.#progress(lot.bytes);
      if (this.options.signal?.aborted) return;
    }
  }

  /** Lots whose people are known. */
  async *#preparedLots(channel: ImportedChannel): AsyncGenerator<Lot, void, undefined> {
    const { key, pipeline } = this.options;
    const { forgotten } = await pipeline.loadState(platformSecurity, platformSecurityStream);
    const context = {
      channelId: channel.id,
      people: new People(key),
      members: new Set(channel.members),
      forgotten: new Set(forgotten),
    };
    for await (const lot of this.#lots(context, channel.imported)) {
      await this.#introduce(lot.newcomers);
      yield lot;
    }
  }

  /** The keys of all are made at once first: that is one commit, and each command would ask for its own. */
  async #introduce(newcomers: readonly Newcomer[]): Promise<void> {
    const { pipeline, codec } = this.options;
    await codec.prepare(newcomers.map(({ personId, name }) => ProfileCreated({ personId, name, username: null })));
    await Promise.all(newcomers.map((newcomer) => pipeline.execute(introductionOf(newcomer))));
  }

  async *#lots(context: LotContext, imported: ReadonlyMap<string, number>): AsyncGenerator<Lot, void, undefined> {
    for (const transcript of this.options.transcripts) {
      yield* this.#lotsOf(transcript, context, imported.get(transcript.source) ?? 0);
    }
  }

  async *#lotsOf(transcript: Transcript, context: LotContext, through: number): AsyncGenerator<Lot, void, undefined> {
    const { lotLines = defaultLotLines } = this.options;
    let lot: Lot | undefined;
    for await (const line of transcript.lines()) {
      if (line.number <= through) {
        this.#linesBefore.set(transcript, line.number);
        this.#bytes += line.bytes;
        continue;
      }
      lot ??= new Lot(context, transcript, line.number);
      lot.add(line);
      if (lot.size < lotLines) continue;
      yield lot;
      lot = undefined;
    }
    if (lot) yield lot;
  }

  #progress(bytes: number): void {
    this.#bytes += bytes;
    const { messages, actions, untimedActions } = this.#tally.counts;
    this.options.onProgress?.({ bytes: this.#bytes, messages: messages + actions + untimedActions });
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof CommandRejected || error instanceof SubjectForgotten;
}

/** Asks for the next item while the one before is worked on. */
async function* oneAhead<T>(items: AsyncGenerator<T, void, undefined>): AsyncGenerator<T, void, undefined> {
  let next = items.next();
  try {
    for (let item = await next; !item.done; item = await next) {
      next = items.next();
      // Whoever stops early does not learn of its failure.
      next.catch(() => {});
      yield item.value;
    }
  } finally {
    await next.catch(() => {});
    await items.return();
  }
}
