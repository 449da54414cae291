import type { Reader } from './reader.js';

/** The state of a feed after an event. */
export interface SeenFeed<State = unknown> {
  /** Of the last event in the state: who follows from there on misses nothing and gets nothing twice. */
  readonly revision: number;
  readonly state: State;
}

/** How followers of one kind of feed get its state, instead of all its events. */
export interface FeedView<State = unknown> {
  /** The projections that it reads. */
  readonly projections: readonly string[];
  /**
   * @param maySee - whether the person who asks may see the event at a revision
   * @returns undefined if there is no such feed, or it is not folded yet
   */
  read(reader: Reader, id: string, maySee: (revision: number) => boolean): Promise<SeenFeed<State> | undefined>;
}
