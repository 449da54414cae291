import type { Broker, Subscription } from './port.js';

type Handler = (message: unknown, subject: string) => void;

/**
 * A broker within one process: messages are passed as given. A publisher never runs its subscribers: they are called
 * in a microtask, in the order of publishing, and what one of them throws goes to `onError` alone.
 */
export class InProcessBroker implements Broker {
  readonly #exact = new Map<string, Set<Handler>>();
  /** By the subject up to and with its last dot. */
  readonly #wildcards = new Map<string, Set<Handler>>();
  #queue: [subject: string, message: unknown][] = [];

  constructor(private readonly onError: (error: unknown) => void) {}

  publish(subject: string, message: unknown): void {
    if (this.#queue.push([subject, message]) === 1) queueMicrotask(() => this.#deliver());
  }

  subscribe(subject: string, handler: Handler): Subscription {
    return subject.endsWith('.>')
      ? addTo(this.#wildcards, subject.slice(0, -1), handler)
      : addTo(this.#exact, subject, handler);
  }

  /** It is never out of reach. */
  onReconnect(): Subscription {
    return { unsubscribe: () => {} };
  }

  async close(): Promise<void> {
    this.#exact.clear();
    this.#wildcards.clear();
  }

  #deliver(): void {
    const queue = this.#queue;
    this.#queue = [];
    for (const [subject, message] of queue) {
      this.#call(this.#exact.get(subject), message, subject);
      for (const [prefix, handlers] of this.#wildcards) {
        if (subject.startsWith(prefix)) this.#call(handlers, message, subject);
      }
    }
  }

  #call(handlers: ReadonlySet<Handler> | undefined, message: unknown, subject: string): void {
    if (!handlers) return;
    for (const handler of handlers) {
      try {
        handler(message, subject);
      } catch (error) {
        this.onError(error);
      }
    }
  }
}

function addTo(index: Map<string, Set<Handler>>, key: string, handler: Handler): Subscription {
  /** A handler subscribed twice is called twice. */
  const own: Handler = (message, subject) => handler(message, subject);
  const handlers = index.get(key) ?? new Set();
  index.set(key, handlers.add(own));
  return {
    unsubscribe() {
      handlers.delete(own);
      if (handlers.size === 0 && index.get(key) === handlers) index.delete(key);
    },
  };
}
