interface Waiter {
  readonly after: bigint;
  wake(): void;
}

/** Knows how far the log has come, and lets followers wait until it has grown beyond a position. */
export class HeadWatch {
  private readonly waiters = new Set<Waiter>();
  private readonly heeded = new WeakSet<AbortSignal>();
  private poll: NodeJS.Timeout | undefined;
  private known = 0n;

  /** @param pollMs how often to look for what other processes append, while somebody waits; never unless told */
  constructor(
    private readonly head: () => bigint,
    private readonly pollMs?: number,
  ) {}

  /** Position that the log has come to at least: what this process appended, and what it saw when it last looked. */
  get reached(): bigint {
    return this.known;
  }

  /** Resolves once the log is known to have an event after the position, or the signal is aborted. */
  async beyond(after: bigint, signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.known > after) return;
    this.heed(signal);
    if (this.pollMs !== undefined) this.poll ??= setInterval(() => this.lookForWaiters(), this.pollMs);
    await new Promise<void>((wake) => this.waiters.add({ after, wake }));
  }

  /** To be called after every append, with a position that is on disk. */
  advance(position: bigint): void {
    if (position <= this.known) return;
    this.known = position;
    for (const waiter of this.waiters) if (position > waiter.after) this.wake(waiter);
  }

  /** Forgets how far the log has come: beyond this position nothing is known of it. */
  beginAt(position: bigint): void {
    this.known = position;
  }

  /** Asks the log itself. */
  look(): void {
    this.advance(this.head());
  }

  /** Wakes everybody: the log is closed or has failed, as they see when they read it. */
  wakeAll(): void {
    for (const waiter of this.waiters) this.wake(waiter);
  }

  private wake(waiter: Waiter): void {
    this.waiters.delete(waiter);
    waiter.wake();
  }

  /** Followers wait for every page with the same signal. Others that are woken with them just wait again. */
  private heed(signal: AbortSignal): void {
    if (this.heeded.has(signal)) return;
    this.heeded.add(signal);
    signal.addEventListener('abort', () => this.wakeAll(), { once: true });
  }

  /** Goes on while followers wait now and then, so that the timer is not made anew for each of their pages. */
  private lookForWaiters(): void {
    if (this.waiters.size > 0) {
      this.look();
      return;
    }
    clearInterval(this.poll);
    this.poll = undefined;
  }
}
