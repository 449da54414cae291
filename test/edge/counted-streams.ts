import type { Aggregate } from '../../domain/decider.js';
import type { RecordedEvent } from '../../domain/event.js';
import type { Codec } from '../../src/event-store/codec.js';

/** Streams of which nobody knows more than how many events they have. */
export function countingOf(category: string): Aggregate<number> {
  const counting = { category, initialState: () => 0, evolve: (count: number) => count + 1 };
  return counting as unknown as Aggregate<number>;
}

export const countingCodec = {
  decodeSealed: (events) => events as unknown as RecordedEvent[],
} satisfies Pick<Codec, 'decodeSealed'>;
