import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Broker } from '../../src/broker/port.js';

export interface BrokerPlace {
  /** Two brokers that reach each other; one twice where all is within one process. */
  open(): Promise<{ here: Broker; there: Broker; close(): Promise<void> }>;
}

/** What every broker does, as long as nothing is lost. */
export function describeBroker(name: string, { open }: BrokerPlace): void {
  describe(`${name} as a broker`, () => {
    let here: Broker;
    let there: Broker;
    let close: () => Promise<void>;

    beforeEach(async () => {
      ({ here, there, close } = await open());
    });

    afterEach(() => close());

    /** Everything that comes on a subject. */
    function listen(subject: string): { messages: unknown[]; subjects: string[]; unsubscribe(): void } {
      const messages: unknown[] = [];
      const subjects: string[] = [];
      const { unsubscribe } = there.subscribe(subject, (message, on) => {
        messages.push(message);
        subjects.push(on);
      });
      return { messages, subjects, unsubscribe };
    }

    /** Resolves when what was published before has come. */
    function settled(): Promise<void> {
      return new Promise((resolve) => {
        const { unsubscribe } = there.subscribe('test.settled', () => {
          unsubscribe();
          resolve();
        });
        here.publish('test.settled', null);
      });
    }

    it('brings a message to all subscribers of its subject, and to no others', async () => {
      const [one, two, other] = [listen('test.a'), listen('test.a'), listen('test.b')];
      here.publish('test.a', { text: 'hello', list: [1, null, true] });
      await settled();
      expect(one.messages).toEqual([{ text: 'hello', list: [1, null, true] }]);
      expect(two.messages).toEqual(one.messages);
      expect(other.messages).toEqual([]);
    });

    it('keeps the order of one publisher, over all subjects', async () => {
      const { messages, subjects } = listen('test.>');
      for (let n = 0; n < 100; n += 1) here.publish(`test.${n % 3}`, n);
      await settled();
      expect(messages.slice(0, 100)).toEqual(Array.from({ length: 100 }, (_, n) => n));
      expect(subjects.slice(0, 4)).toEqual(['test.0', 'test.1', 'test.2', 'test.0']);
    });

    it('brings what is under a subject to subscribers of `.>`, at any depth', async () => {
      const { subjects } = listen('test.feed.>');
      for (const subject of ['test.feed', 'test.feed.a', 'test.feed.a.b', 'test.feeds.a', 'test.other']) {
        here.publish(subject, null);
      }
      await settled();
      expect(subjects).toEqual(['test.feed.a', 'test.feed.a.b']);
    });

    it('brings nothing any longer to who has unsubscribed, once or twice', async () => {
      const [gone, stays] = [listen('test.a'), listen('test.a')];
      gone.unsubscribe();
      gone.unsubscribe();
      here.publish('test.a', 1);
      await settled();
      expect([gone.messages, stays.messages]).toEqual([[], [1]]);
    });

    it('never runs subscribers within the publishing', async () => {
      const { messages } = listen('test.a');
      here.publish('test.a', 1);
      expect(messages).toEqual([]);
      await settled();
      expect(messages).toEqual([1]);
    });

    it('lets a subscriber publish, subscribe and unsubscribe', async () => {
      const answers = listen('test.answers');
      const subscription = there.subscribe('test.questions', (message) => {
        subscription.unsubscribe();
        there.subscribe('test.questions', () => there.publish('test.answers', 'from the new one'));
        there.publish('test.answers', message);
      });
      here.publish('test.questions', 'first');
      await settled();
      await settled();
      here.publish('test.questions', 'second');
      await settled();
      await settled();
      expect(answers.messages).toEqual(['first', 'from the new one']);
    });

    it('does not let a subscriber that throws hurt the publisher or other subscribers', async () => {
      there.subscribe('test.a', () => {
        throw new Error('this subscriber is broken');
      });
      const { messages } = listen('test.a');
      expect(() => here.publish('test.a', 1)).not.toThrow();
      here.publish('test.a', 2);
      await settled();
      expect(messages).toEqual([1, 2]);
    });
  });
}
