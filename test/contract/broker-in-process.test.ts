import { expect, it } from 'vitest';
import { InProcessBroker } from '../../src/broker/in-process.js';
import { describeBroker } from './broker.js';

describeBroker('in-process', {
  async open() {
    const broker = new InProcessBroker(() => {});
    return { here: broker, there: broker, close: () => broker.close() };
  },
});

it('tells in process what a subscriber throws', async () => {
  const errors: unknown[] = [];
  const broker = new InProcessBroker((error) => errors.push(error));
  const broken = new Error('this subscriber is broken');
  broker.subscribe('test.a', () => {
    throw broken;
  });
  broker.publish('test.a', 1);
  await Promise.resolve();
  expect(errors).toEqual([broken]);
});
