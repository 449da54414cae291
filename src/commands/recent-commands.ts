import { isRepeatable, type RecordedEvent } from '../../domain/event.js';

/** What is known of a command that was accepted: which events of its primary stream it made, of which input. */
export interface AcceptedCommand {
  readonly hash: string;
  readonly firstRevision: number;
  lastRevision: number;
  /** Position of its last event in this stream. */
  lastPosition: bigint;
}

export type RecentCommandsSnapshot = {
  commands: [id: string, hash: string, firstRevision: number, lastRevision: number, lastPosition: string][];
  forgottenThrough: string;
};

/** Enough for the retries of a busy stream's last seconds; older ones are in the `commands` read model. */
const capacity = 1_000;

/**
 * A stream's last accepted commands that may be sent again. Complete for all events after `forgottenThrough`: a command
 * that is not here was either never accepted or is in the read model once that has passed this position.
 */
export class RecentCommands {
  readonly #commands = new Map<string, AcceptedCommand>();
  /** Position of the last event whose command is no longer held; 0n when none was dropped. */
  forgottenThrough = 0n;

  get(commandId: string): AcceptedCommand | undefined {
    return this.#commands.get(commandId);
  }

  add(event: RecordedEvent): void {
    const { commandId, commandHash } = event.metadata;
    if (!isRepeatable(event.metadata)) return;
    const known = this.#commands.get(commandId);
    if (known) {
      known.lastRevision = event.revision;
      known.lastPosition = event.position;
      return;
    }
    this.#commands.set(commandId, {
      hash: commandHash,
      firstRevision: event.revision,
      lastRevision: event.revision,
      lastPosition: event.position,
    });
    if (this.#commands.size > capacity) this.#forgetOldest();
  }

  #forgetOldest(): void {
    const [id, command] = this.#commands.entries().next().value as [string, AcceptedCommand];
    this.#commands.delete(id);
    if (command.lastPosition > this.forgottenThrough) this.forgottenThrough = command.lastPosition;
  }

  toSnapshot(): RecentCommandsSnapshot {
    return {
      commands: [...this.#commands].map(([id, command]) => [
        id,
        command.hash,
        command.firstRevision,
        command.lastRevision,
        String(command.lastPosition),
      ]),
      forgottenThrough: String(this.forgottenThrough),
    };
  }

  static fromSnapshot(snapshot: RecentCommandsSnapshot): RecentCommands {
    const recent = new RecentCommands();
    for (const [id, hash, firstRevision, lastRevision, lastPosition] of snapshot.commands) {
      recent.#commands.set(id, { hash, firstRevision, lastRevision, lastPosition: BigInt(lastPosition) });
    }
    recent.forgottenThrough = BigInt(snapshot.forgottenThrough);
    return recent;
  }
}
