import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { HeadWatch } from '../../src/event-store/head-watch.js';

test('who waits for news that came while they were about to wait does not wait', async () => {
  const watch = new HeadWatch(() => 0n);
  watch.advance(5n);
  await watch.beyond(4n, new AbortController().signal);
});

test('what another process appends is found by looking from time to time, also after a pause', async () => {
  let head = 5n;
  const watch = new HeadWatch(() => head, 1);
  const { signal } = new AbortController();
  for (const position of [6n, 7n]) {
    const woken = watch.beyond(position - 1n, signal);
    head = position;
    await woken;
    expect(watch.reached).toBe(position);
    await setTimeout(10);
  }
});

test('an abort wakes who waits, at every wait', async () => {
  const watch = new HeadWatch(() => 0n);
  const aborting = new AbortController();
  const other = new AbortController();
  const first = watch.beyond(0n, aborting.signal);
  watch.advance(1n);
  await first;
  const second = watch.beyond(1n, aborting.signal);
  const afterAbort = second.then(() => watch.beyond(1n, aborting.signal));
  aborting.abort();
  await afterAbort;
  const third = watch.beyond(1n, other.signal);
  watch.advance(2n);
  await third;
});

test('what begins again knows nothing of what was', async () => {
  const watch = new HeadWatch(() => 0n);
  watch.advance(9n);
  watch.beginAt(5n);
  expect(watch.reached).toBe(5n);
  let woken = false;
  const waiting = watch.beyond(5n, new AbortController().signal).then(() => {
    woken = true;
  });
  await setTimeout(1);
  expect(woken).toBe(false);
  watch.advance(6n);
  await waiting;
});

test('only those are woken for whom there is news', async () => {
  let head = 5n;
  const watch = new HeadWatch(() => head);
  const { signal } = new AbortController();
  const woken: string[] = [];
  const near = watch.beyond(5n, signal).then(() => woken.push('near'));
  const far = watch.beyond(6n, signal).then(() => woken.push('far'));
  head = 6n;
  watch.look();
  await near;
  expect(woken).toEqual(['near']);
  head = 7n;
  watch.look();
  await far;
  expect(woken).toEqual(['near', 'far']);
});
