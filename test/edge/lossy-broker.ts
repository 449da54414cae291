import fc from 'fast-check';
import { InProcessBroker } from '../../src/broker/in-process.js';
import type { Broker, RequestOptions, Service, Subscription, Topic } from '../../src/broker/port.js';

/** What becomes of a message: how often it is delivered, and after how many ms. */
export type Fate = (subject: string) => readonly number[];

const faithful: Fate = () => [0];

/** Each message is lost, delayed or doubled, whatever it tells; so they come in any order. */
export const anyFates: fc.Arbitrary<Fate> = fc
  .array(fc.array(fc.nat({ max: 40 }), { maxLength: 3 }), { minLength: 1, maxLength: 20 })
  .map((drawn) => {
    let messages = 0;
    return Object.assign(() => drawn[messages++ % drawn.length] as number[], {
      [fc.toStringMethod]: () => JSON.stringify(drawn),
    });
  });

/** Announcements so often that a test need not wait for them. */
export const quickRelay = { coalesceMs: 5, signOfLifeMs: 20 };

/** A broker that loses, doubles and delays messages as it is told. */
export class LossyBroker implements Broker {
  fate: Fate = faithful;
  readonly fault = undefined;
  readonly #broker = new InProcessBroker((error) => console.error(error));
  readonly #reconnected = new Set<() => void>();

  publish<Message>(topic: Topic<Message>, message: Message): void {
    for (const delay of this.fate(topic.subject)) {
      if (delay === 0) this.#broker.publish(topic, message);
      else setTimeout(() => this.#broker.publish(topic, message), delay);
    }
  }

  subscribe<Message>(topic: Topic<Message>, handler: (message: Message, subject: string) => void): Subscription {
    return this.#broker.subscribe(topic, handler);
  }

  request<Question, Answer>(service: Service<Question, Answer>, question: Question, options: RequestOptions) {
    return this.#broker.request(service, question, options);
  }

  respond<Question, Answer>(service: Service<Question, Answer>, handler: (question: Question) => Promise<Answer>) {
    return this.#broker.respond(service, handler);
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
