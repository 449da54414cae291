import { InProcessBroker } from '../../src/broker/in-process.js';
import type { Broker, Subscription } from '../../src/broker/port.js';

/** What becomes of a message: how often it is delivered, and after how many ms. */
export type Fate = (subject: string) => readonly number[];

const faithful: Fate = () => [0];

/** A broker that loses, doubles and delays messages as it is told. */
export class LossyBroker implements Broker {
  fate: Fate = faithful;
  readonly #broker = new InProcessBroker((error) => console.error(error));
  readonly #reconnected = new Set<() => void>();

  publish(subject: string, message: unknown): void {
    for (const delay of this.fate(subject)) {
      if (delay === 0) this.#broker.publish(subject, message);
      else setTimeout(() => this.#broker.publish(subject, message), delay);
    }
  }

  subscribe(subject: string, handler: (message: unknown, subject: string) => void): Subscription {
    return this.#broker.subscribe(subject, handler);
  }

  onReconnect(handler: () => void): Subscription {
    this.#reconnected.add(handler);
    return { unsubscribe: () => this.#reconnected.delete(handler) };
  }

  /** It was out of reach and is back. */
  reconnect(): void {
    for (const handler of this.#reconnected) handler();
  }

  heal(): void {
    this.fate = faithful;
  }

  close(): Promise<void> {
    return this.#broker.close();
  }
}
