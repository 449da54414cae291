import type { Aggregate } from '../../domain/decider.js';
import type { RecordedEvent } from '../../domain/event.js';
import { RecentCommands, type RecentCommandsSnapshot } from './recent-commands.js';

export interface StreamSnapshot {
  readonly revision: number;
  readonly position: string;
  readonly lastHash: string;
  readonly recent: RecentCommandsSnapshot;
  readonly state: unknown;
}

/** A stream folded up to a revision: what is needed to decide on it, and to append to it. */
export class LoadedStream<State = unknown> {
  revision = -1;
  /** Position of the event at `revision`; 0n when the stream is empty. */
  position = 0n;
  /** Hash of the event at `revision`, which the next event names; empty when the stream is empty. */
  lastHash = '';
  recent = new RecentCommands();
  state: State;
  /** Revision that the last snapshot was taken at. */
  snapshotRevision = -1;

  constructor(
    readonly stream: string,
    readonly aggregate: Aggregate<State>,
  ) {
    this.state = aggregate.initialState();
  }

  /** Takes up the stream's next event, stored under `hash`. */
  advance(event: RecordedEvent, hash: string): void {
    this.state = this.aggregate.evolve(this.state, event);
    this.settle(event, hash);
  }

  /** Takes up that an event, which the state has evolved with already, is stored. */
  settle(event: RecordedEvent, hash: string): void {
    this.revision = event.revision;
    this.position = event.position;
    this.lastHash = hash;
    this.recent.add(event);
  }

  toSnapshot(): StreamSnapshot {
    return {
      revision: this.revision,
      position: String(this.position),
      lastHash: this.lastHash,
      recent: this.recent.toSnapshot(),
      state: this.aggregate.toSnapshot(this.state),
    };
  }

  static fromSnapshot<State>(
    stream: string,
    aggregate: Aggregate<State>,
    snapshot: StreamSnapshot,
  ): LoadedStream<State> {
    const loaded = new LoadedStream(stream, aggregate);
    loaded.revision = snapshot.revision;
    loaded.snapshotRevision = snapshot.revision;
    loaded.position = BigInt(snapshot.position);
    loaded.lastHash = snapshot.lastHash;
    loaded.recent = RecentCommands.fromSnapshot(snapshot.recent);
    loaded.state = aggregate.fromSnapshot(snapshot.state as never);
    return loaded;
  }
}
