import { expect, it } from 'vitest';
import { InProcessBroker } from '../../src/broker/in-process.js';
import { describeBroker, subjects } from './broker.js';

describeBroker('in-process', {
  async open() {
    const broker = new InProcessBroker(() => {});
    return { here: broker, there: broker, close: () => broker.close() };
  },
});

it('tells in process what a subscriber throws', async () => {
  const { topic } = subjects();
  const errors: unknown[] = [];
  const broker = new InProcessBroker((error) => errors.push(error));
  const broken = new Error('this subscriber is broken');
  broker.subscribe(topic('a'), () => {
    throw broken;
  });
  broker.publish(topic('a'), 1);
  await Promise.resolve();
  expect(errors).toEqual([broken]);
});
