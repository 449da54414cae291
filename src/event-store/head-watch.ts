interface Waiter {
  readonly after: bigint;
  wake(): void;
}

/** Lets followers wait until the log has grown beyond a position. */
export class HeadWatch {
  private readonly waiters = new Set<Waiter>();
  private poll: NodeJS.Timeout | undefined;

  /** @param pollMs how often to look for what other processes append, while somebody waits; never unless told */
  constructor(
    private readonly head: () => bigint,
    private readonly pollMs?: number,
  ) {}

  /** Resolves once there is an event after the position, or the signal is aborted. */
  async beyond(after: bigint, signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.head() > after) return;
    let wake = () => {};
    const woken = new Promise<void>((resolve) => {
      wake = resolve;
    });
    const waiter = { after, wake };
    this.waiters.add(waiter);
    signal.addEventListener('abort', wake);
    if (this.pollMs !== undefined) this.poll ??= setInterval(() => this.check(), this.pollMs);
    await woken;
    signal.removeEventListener('abort', wake);
    this.waiters.delete(waiter);
    this.restIfUnwatched();
  }

  /**
   * To be called after every append.
   * @param known - a position that the log has come to, where that need not be asked
   */
  check(known?: bigint): void {
    if (this.waiters.size === 0) return;
    const head = known ?? this.head();
    for (const { after, wake } of this.waiters) if (head > after) wake();
  }

  /** Wakes everybody: the log is closed or has failed, as they see when they read it. */
  wakeAll(): void {
    for (const { wake } of this.waiters) wake();
  }

  private restIfUnwatched(): void {
    if (this.waiters.size > 0) return;
    clearInterval(this.poll);
    this.poll = undefined;
  }
}
