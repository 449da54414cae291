import { expect, test } from 'vitest';
import { HeadWatch } from '../../src/event-store/head-watch.js';

test('who waits for news that came while they were about to wait does not wait', async () => {
  const watch = new HeadWatch(() => 5n);
  await watch.beyond(4n, new AbortController().signal);
});

test('only those are woken for whom there is news', async () => {
  let head = 5n;
  const watch = new HeadWatch(() => head);
  const { signal } = new AbortController();
  const woken: string[] = [];
  const near = watch.beyond(5n, signal).then(() => woken.push('near'));
  const far = watch.beyond(6n, signal).then(() => woken.push('far'));
  head = 6n;
  watch.check();
  await near;
  expect(woken).toEqual(['near']);
  head = 7n;
  watch.check();
  await far;
  expect(woken).toEqual(['near', 'far']);
});
