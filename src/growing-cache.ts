import { LRUCache } from 'lru-cache';

/**
 * Keeps the entries used last, at most so many. Takes memory as they come: given a `max`, the library takes it for all
 * of them at once, which for a hundred thousand is some megabytes that most installations never need.
 */
export class GrowingCache<Key extends {}, Value extends {}> extends LRUCache<Key, Value> {
  /** @param dispose - called with each entry that is replaced, deleted, or gives way */
  constructor(most: number, dispose?: (value: Value, key: Key) => void) {
    super({ maxSize: most, sizeCalculation: () => 1, ...(dispose && { dispose }) });
  }
}
