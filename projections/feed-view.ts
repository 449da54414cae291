import type { Reader } from './reader.js';

/** What of a feed its reader may see. */
export interface Sight {
  /** How far the feed's access is known: nothing beyond it is told. */
  readonly upTo: number;
  maySee(revision: number): boolean;
}

/** The state of a feed after an event. */
export interface SeenFeed<State = unknown> {
  /**
   * Of the last event in the state: who follows from here on misses nothing and gets nothing twice. Beyond `upTo` where
   * the read store shows projections at different positions: then it is to be read again.
   */
  readonly revision: number;
  readonly state: State;
}

/** How followers of one kind of feed get its state, instead of all its events. */
export interface FeedView<State = unknown> {
  /** The projections that it reads. */
  readonly projections: readonly string[];
  /** @returns undefined if there is no such feed, or it is not folded yet */
  read(reader: Reader, id: string, sight: Sight): Promise<SeenFeed<State> | undefined>;
}
