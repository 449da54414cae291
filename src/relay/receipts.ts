import { setTimeout as delay } from 'node:timers/promises';
import { platformSecurity, platformSecurityId } from '../../domain/identity/platform-security.js';
import type { Subscription } from '../broker/port.js';
import type { LiveStreams } from './live-streams.js';

export interface ReceiptsOptions {
  readonly liveStreams: Pick<LiveStreams, 'current' | 'onGrowth'>;
  /** Does what is to be done for people who were forgotten; may be called again with the same ones. */
  onForgotten(people: readonly string[]): Promise<void> | void;
  /** Told why it could not be done; it is tried again. */
  onError(error: unknown): void;
}

const retryMs = 1_000;

/**
 * Tells who was forgotten: everybody at the start, whenever that was, so that a restored key store is dealt with, too;
 * then each as soon as this process can know of it.
 */
export class Receipts {
  readonly #subscription: Subscription;
  readonly #stopped = new AbortController();
  /** How many were told of. */
  #told = 0;
  #telling: Promise<void> | undefined;

  constructor(private readonly options: ReceiptsOptions) {
    this.#subscription = options.liveStreams.onGrowth(platformSecurity.category, () => void this.tell());
  }

  /** Resolves once everybody is told of who was forgotten before the call, or it is stopped. */
  async tell(): Promise<void> {
    // One that is under way may have looked before.
    await this.#telling;
    this.#telling ??= this.#tellAll().finally(() => {
      this.#telling = undefined;
    });
    await this.#telling;
  }

  async stop(): Promise<void> {
    this.#subscription.unsubscribe();
    this.#stopped.abort();
    await this.#telling;
  }

  async #tellAll(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      try {
        if (!(await this.#tellNext())) return;
      } catch (error) {
        this.options.onError(error);
        await delay(retryMs, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  /** @returns false if there is nobody new */
  async #tellNext(): Promise<boolean> {
    const { forgotten } = await this.options.liveStreams.current(platformSecurity, platformSecurityId);
    const people = forgotten.slice(this.#told);
    if (people.length === 0) return false;
    await this.options.onForgotten(people);
    this.#told += people.length;
    return true;
  }
}
