import type { RecordedEvent } from '../../domain/event.js';
import type { Codec } from '../event-store/codec.js';
import type { EventStore } from '../event-store/port.js';
import type { ReadStore } from '../read-store/port.js';
import type { Positions } from '../read-store/positions.js';
import type { LoadedStream } from './loaded-stream.js';
import type { PendingCommand } from './pending-command.js';
import { ProjectionBehind } from './port.js';
import type { AcceptedCommand } from './recent-commands.js';

/** How long a command can be sent again under its key. */
const rememberedFor = 24 * 60 * 60 * 1_000;
/** How long a command waits for the read model that might know it. */
const patience = 2_000;

/** Recognises commands that were accepted before, from the stream's recent ones or else the `commands` read model. */
export class AcceptedCommands {
  constructor(
    private readonly eventStore: EventStore,
    private readonly codec: Codec,
    private readonly readStore: ReadStore,
    private readonly positions: Positions,
  ) {}

  /** @throws {ProjectionBehind} if the read model would have to know and can't yet */
  async find(pending: PendingCommand, loaded: LoadedStream): Promise<AcceptedCommand | undefined> {
    const recent = loaded.recent.get(pending.commandId);
    if (recent || loaded.recent.forgottenThrough === 0n) return recent;
    return this.#findOlder(pending, loaded.recent.forgottenThrough);
  }

  async #findOlder({ commandId, command }: PendingCommand, through: bigint): Promise<AcceptedCommand | undefined> {
    if (!(await this.positions.waitFor(['commands'], through, patience))) throw new ProjectionBehind();
    const kept = await this.readStore.read((reader) =>
      reader.get<AcceptedCommand & { recordedAt: string }>('commands', commandId),
    );
    return kept && Date.parse(kept.recordedAt) > command.now - rememberedFor ? kept : undefined;
  }

  /** The events that an accepted command made in its primary stream. */
  async events({ stream, commandId }: PendingCommand, accepted: AcceptedCommand): Promise<RecordedEvent[]> {
    const { firstRevision, lastRevision } = accepted;
    const limit = lastRevision - firstRevision + 1;
    const events = await this.codec.decode(await this.eventStore.readStream(stream, { from: firstRevision, limit }));
    return events.filter((event) => event.metadata.commandId === commandId);
  }
}
