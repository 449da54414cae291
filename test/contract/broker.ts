import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Broker, NoAnswer, NotDelivered, type Service, type Topic } from '../../src/broker/port.js';
import { subjectToken } from '../../src/broker/subjects.js';

export interface BrokerPlace {
  /** Two brokers that reach each other; one twice where all is within one process. */
  open(): Promise<{ here: Broker; there: Broker; close(): Promise<void> }>;
}

let places = 0;

/** Subjects of a place of their own, since a server may serve many tests. */
export function subjects() {
  places += 1;
  const place = `test.${process.pid}-${places}`;
  return {
    topic: (name: string): Topic<unknown> => ({ subject: `${place}.${name}`, message: z.unknown() }),
    service: (name: string): Service<unknown, unknown> => ({
      subject: `${place}.${name}`,
      question: z.unknown(),
      answer: z.unknown(),
    }),
  };
}

/** Resolves when what `from` published before has come to `to`, and what was subscribed to before is heard. */
export async function settled(from: Broker, to: Broker): Promise<void> {
  const marker = subjects().topic('settled');
  let heard = false;
  const { unsubscribe } = to.subscribe(marker, () => {
    heard = true;
  });
  while (!heard) {
    from.publish(marker, null);
    await delay(1);
  }
  unsubscribe();
}

/** What every broker does, as long as nothing is lost. */
export function describeBroker(name: string, { open }: BrokerPlace): void {
  describe(`${name} as a broker`, () => {
    let here: Broker;
    let there: Broker;
    let close: () => Promise<void>;
    let topic: (name: string) => Topic<unknown>;
    let service: (name: string) => Service<unknown, unknown>;

    beforeEach(async () => {
      ({ here, there, close } = await open());
      ({ topic, service } = subjects());
    });

    afterEach(() => close());

    /** Everything that comes on a topic; each subject without its first two tokens. */
    async function listen(name: string): Promise<{ messages: unknown[]; on: string[]; unsubscribe(): void }> {
      const messages: unknown[] = [];
      const on: string[] = [];
      const { unsubscribe } = there.subscribe(topic(name), (message, subject) => {
        messages.push(message);
        on.push(subject.split('.').slice(2).join('.'));
      });
      await settled(here, there);
      return { messages, on, unsubscribe };
    }

    async function respond(broker: Broker, name: string, handler: (question: unknown) => Promise<unknown>) {
      const subscription = broker.respond(service(name), handler);
      await settled(broker, broker);
      return subscription;
    }

    describe('that publishes', () => {
      it('brings a message to all subscribers of its subject, and to no others', async () => {
        const [one, two, other] = [await listen('a'), await listen('a'), await listen('b')];
        here.publish(topic('a'), { text: 'hello', list: [1, null, true] });
        await settled(here, there);
        expect(one.messages).toEqual([{ text: 'hello', list: [1, null, true] }]);
        expect(two.messages).toEqual(one.messages);
        expect(other.messages).toEqual([]);
      });

      it("brings a process's own messages to its own subscribers", async () => {
        const messages: unknown[] = [];
        here.subscribe(topic('a'), (message) => messages.push(message));
        here.publish(topic('a'), 'to myself');
        await settled(here, here);
        expect(messages).toEqual(['to myself']);
      });

      it('keeps the order of one publisher, over all subjects', async () => {
        const { messages, on } = await listen('>');
        for (let n = 0; n < 1_000; n += 1) here.publish(topic(String(n % 3)), n);
        await settled(here, there);
        expect(messages).toEqual(Array.from({ length: 1_000 }, (_, n) => n));
        expect(on.slice(0, 4)).toEqual(['0', '1', '2', '0']);
      });

      it('brings what is under a subject to subscribers of `.>`, at any depth', async () => {
        const { on } = await listen('feed.>');
        for (const name of ['feed', 'feed.a', 'feed.a.b', 'feeds.a', 'other']) here.publish(topic(name), null);
        await settled(here, there);
        expect(on).toEqual(['feed.a', 'feed.a.b']);
      });

      it('keeps ids of any form apart', async () => {
        const ids = [
          '',
          'a.b',
          'a b',
          'a*',
          '*',
          '>',
          'a',
          'A',
          'ä',
          '👋',
          '\u0000',
          '\ud800',
          '=',
          '=0020',
          '$SYS',
          '𝒳',
        ];
        const listeners = await Promise.all(ids.map((id) => listen(`peer.${subjectToken(id)}`)));
        for (const [n, id] of ids.entries()) here.publish(topic(`peer.${subjectToken(id)}`), n);
        await settled(here, there);
        expect(listeners.map(({ messages }) => messages)).toEqual(ids.map((_, n) => [n]));
      });

      it('sends what `toJSON` makes of a message', async () => {
        const { messages } = await listen('a');
        here.publish(topic('a'), { toJSON: () => ({ position: '12' }) });
        await settled(here, there);
        expect(JSON.parse(JSON.stringify(messages))).toEqual([{ position: '12' }]);
      });

      it('brings nothing any longer to who has unsubscribed, once or twice', async () => {
        const [gone, stays] = [await listen('a'), await listen('a')];
        gone.unsubscribe();
        gone.unsubscribe();
        here.publish(topic('a'), 1);
        await settled(here, there);
        expect([gone.messages, stays.messages]).toEqual([[], [1]]);
      });

      it('never runs subscribers within the publishing', async () => {
        const { messages } = await listen('a');
        here.publish(topic('a'), 1);
        expect(messages).toEqual([]);
        await settled(here, there);
        expect(messages).toEqual([1]);
      });

      it('lets a subscriber publish, subscribe and unsubscribe', async () => {
        const answers = await listen('answers');
        const subscription = there.subscribe(topic('questions'), (message) => {
          subscription.unsubscribe();
          there.subscribe(topic('questions'), () => there.publish(topic('answers'), 'from the new one'));
          there.publish(topic('answers'), message);
        });
        await settled(here, there);
        for (const question of ['first', 'second']) {
          here.publish(topic('questions'), question);
          await settled(here, there);
          await settled(there, there);
        }
        expect(answers.messages).toEqual(['first', 'from the new one']);
      });

      it('does not let a subscriber that throws hurt the publisher or other subscribers', async () => {
        there.subscribe(topic('a'), () => {
          throw new Error('this subscriber is broken');
        });
        const { messages } = await listen('a');
        expect(() => here.publish(topic('a'), 1)).not.toThrow();
        here.publish(topic('a'), 2);
        await settled(here, there);
        expect(messages).toEqual([1, 2]);
      });

      it('is within reach', () => {
        expect(here.fault).toBeUndefined();
      });

      it('takes what is published after its end for lost', async () => {
        await here.close();
        expect(() => here.publish(topic('a'), 1)).not.toThrow();
      });
    });

    describe('that asks', () => {
      const timeoutMs = 10_000;

      it('brings a question to who responds, and the answer back', async () => {
        await respond(there, 'double', async (question) => ({ doubled: 2 * (question as number) }));
        const answers = await Promise.all([1, 2, 3].map((n) => here.request(service('double'), n, { timeoutMs })));
        expect(answers).toEqual([{ doubled: 2 }, { doubled: 4 }, { doubled: 6 }]);
      });

      it('asks one of those who respond, and each of them now and then', async () => {
        const asked: string[] = [];
        for (const [broker, name] of [
          [here, 'one'],
          [there, 'two'],
        ] as const) {
          await respond(broker, 'who', async () => asked.push(name));
        }
        for (let n = 0; n < 100; n += 1) await here.request(service('who'), n, { timeoutMs });
        expect(asked).toHaveLength(100);
        expect(new Set(asked)).toEqual(new Set(['one', 'two']));
      });

      it('does not let a slow answer hold up others', async () => {
        let finish = () => {};
        const finished = new Promise<void>((resolve) => {
          finish = resolve;
        });
        await respond(there, 'slow', async (question) => {
          if (question === 'slow') await finished;
          return question;
        });
        const slow = here.request(service('slow'), 'slow', { timeoutMs });
        expect(await here.request(service('slow'), 'quick', { timeoutMs })).toBe('quick');
        finish();
        expect(await slow).toBe('slow');
      });

      it('knows when nobody responds: nothing was done', async () => {
        await expect(here.request(service('nobody'), 1, { timeoutMs })).rejects.toThrow(NotDelivered);
      });

      it('asks nobody who has stopped responding', async () => {
        const subscription = await respond(there, 'a', async () => 'here I am');
        subscription.unsubscribe();
        await settled(there, here);
        await expect(here.request(service('a'), 1, { timeoutMs })).rejects.toThrow(NotDelivered);
      });

      it('does not wait longer than it is told, and does not know then what was done', async () => {
        let release = () => {};
        const late = new Promise<void>((resolve) => {
          release = resolve;
        });
        await respond(there, 'late', () => late);
        await expect(here.request(service('late'), 1, { timeoutMs: 20 })).rejects.toThrow(NoAnswer);
        release();
      });

      it('does not wait for who has failed', async () => {
        await respond(there, 'broken', async () => {
          throw new Error('this responder is broken');
        });
        await expect(here.request(service('broken'), 1, { timeoutMs: 3_600_000 })).rejects.toThrow(NoAnswer);
      });

      it('asks nobody after its end', async () => {
        await here.close();
        await expect(here.request(service('a'), 1, { timeoutMs })).rejects.toThrow(NotDelivered);
      });
    });
  });
}
