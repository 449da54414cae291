import type { FeedMessage } from '../broker/subjects.js';
import { Refused } from '../problems.js';
import { type FeedLog, pageSize } from './feed-log.js';

export interface FrameSequenceOptions {
  readonly feed: string;
  readonly log: FeedLog;
  /** Gets each frame once, in the order of revisions. */
  onFrame(message: FeedMessage): void;
  onError(error: unknown): void;
  /** What is missing could not be read for a while. */
  onLost(error: unknown): void;
}

/** How long a missing frame is waited for before it is read from the log, in ms. */
const gapMs = 20;
/** How long after a repair the next one is tried, in ms. */
const retryMs = 500;
const mostFailures = 4;
/** Most frames that wait for one before them; what is beyond is read from the log. */
const mostPending = 2_000;

/** Puts a feed's frames in order, whatever order they come in, and reads from the log those that do not come. */
export class FrameSequence {
  /** Revision of the last frame handed over. */
  cursor = -1;
  /** Last revision known to be there. */
  #head = -1;
  #open = false;
  #repairing: Promise<void> | undefined;
  #gapTimer: NodeJS.Timeout | undefined;
  #failures = 0;
  readonly #pending = new Map<number, FeedMessage>();

  constructor(private readonly options: FrameSequenceOptions) {}

  /** Begins behind a revision, with what the log holds beyond it. What was offered before is kept until then. */
  async start(cursor: number): Promise<void> {
    this.cursor = cursor;
    this.#open = true;
    await this.repair();
    this.#handOverPending();
  }

  stop(): void {
    this.#open = false;
    clearTimeout(this.#gapTimer);
  }

  /** Takes a frame that came, perhaps too early or again. */
  offer(message: FeedMessage): void {
    const { revision } = message;
    if (!this.#open || revision > this.cursor + 1) {
      if (this.#pending.size < mostPending) this.#pending.set(revision, message);
      this.noteHead(revision);
    } else if (revision === this.cursor + 1) {
      this.#handOver(message);
      this.#handOverPending();
    }
  }

  /** Hears that the log has come to this revision. */
  noteHead(revision: number): void {
    if (revision > this.#head) this.#head = revision;
    this.#watchGap(gapMs);
  }

  /**
   * Hands over what the log holds up to this revision.
   * @throws {Refused} `projection-behind` if the log does not hold it
   */
  async reach(revision: number): Promise<void> {
    // a repair that was under way may have read before the revision was there
    for (let tries = 0; tries < 2 && this.cursor < revision; tries += 1) await this.repair();
    if (this.cursor < revision) throw new Refused('projection-behind');
  }

  /** Reads and hands over what the log holds beyond the cursor. */
  repair(): Promise<void> {
    this.#repairing ??= this.#readOn().finally(() => {
      this.#repairing = undefined;
    });
    return this.#repairing;
  }

  async #readOn(): Promise<void> {
    const { feed, log } = this.options;
    for (;;) {
      const page = await log.read(feed, this.cursor + 1, pageSize);
      for (const message of page) this.offer(message);
      if (page.length < pageSize) return;
    }
  }

  #handOver(message: FeedMessage): void {
    this.#pending.delete(message.revision);
    this.cursor = message.revision;
    this.options.onFrame(message);
  }

  #handOverPending(): void {
    while (this.#pending.size > 0) {
      const next = this.#pending.get(this.cursor + 1);
      if (!next) break;
      this.#handOver(next);
    }
  }

  #watchGap(delay: number): void {
    if (!this.#open || this.#gapTimer || this.#head <= this.cursor) return;
    this.#gapTimer = setTimeout(() => void this.#closeGap(), delay);
  }

  async #closeGap(): Promise<void> {
    try {
      if (this.#head > this.cursor) await this.repair();
      this.#failures = 0;
    } catch (error) {
      this.options.onError(error);
      this.#failures += 1;
      if (this.#failures >= mostFailures) this.options.onLost(error);
    }
    this.#gapTimer = undefined;
    this.#watchGap(retryMs);
  }
}
