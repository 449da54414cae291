import { LRUCache } from 'lru-cache';
import { ProfileCreated, profile } from '../../domain/identity/profile.js';
import { streamName, uuid } from '../../domain/ids.js';
import type { Codec } from '../event-store/codec.js';
import type { EventStore } from '../event-store/port.js';

const maxNames = 50_000;

/** People's names as the log has them, so that no read model needs to be there. */
export class Names {
  readonly #names = new LRUCache<string, { readonly name: string | null }>({ max: maxNames });

  constructor(
    private readonly eventStore: Pick<EventStore, 'readStream'>,
    private readonly codec: Pick<Codec, 'decode'>,
  ) {}

  /** @returns `null` for someone forgotten, and for an id that is nobody's */
  async nameOf(id: string): Promise<string | null> {
    const known = this.#names.get(id);
    if (known) return known.name;
    const name = uuid.safeParse(id).success ? await this.#read(id) : null;
    this.#names.set(id, { name });
    return name;
  }

  async #read(id: string): Promise<string | null> {
    const stored = await this.eventStore.readStream(streamName(profile.category, id), { limit: 1 });
    const [event] = await this.codec.decode(stored);
    return event?.type === ProfileCreated.type ? (event.data as { name: string | null }).name : null;
  }
}
