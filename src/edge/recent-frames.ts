import type { FeedMessage } from '../broker/subjects.js';

const mostFrames = 1_024;
/** In characters of the frames' text. */
const mostCharacters = 256 * 1024;

/** A feed's latest frames without a gap, for followers a little behind. */
export class RecentFrames {
  readonly #frames = new Map<number, FeedMessage>();
  #first = 0;
  #characters = 0;

  /** Takes the frame that follows the last one. */
  push(message: FeedMessage): void {
    if (this.#frames.size === 0) this.#first = message.revision;
    this.#frames.set(message.revision, message);
    this.#characters += message.frame.length;
    while (this.#frames.size > mostFrames || this.#characters > mostCharacters) this.#dropFirst();
  }

  /** At most `limit` frames from a revision on; undefined if that revision is not held. */
  from(revision: number, limit: number): readonly FeedMessage[] | undefined {
    if (!this.#frames.has(revision)) return undefined;
    const last = Math.min(revision + limit, this.#first + this.#frames.size);
    const frames: FeedMessage[] = [];
    for (let at = revision; at < last; at += 1) frames.push(this.#frames.get(at) as FeedMessage);
    return frames;
  }

  clear(): void {
    this.#frames.clear();
    this.#characters = 0;
  }

  #dropFirst(): void {
    this.#characters -= this.#frames.get(this.#first)?.frame.length ?? 0;
    this.#frames.delete(this.#first);
    this.#first += 1;
  }
}
