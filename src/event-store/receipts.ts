import { KeyDestructionOrdered, platformSecurityStream } from '../../domain/identity/platform-security.js';
import type { Codec } from './codec.js';
import type { EventStore } from './port.js';

const pageSize = 1_000;

/**
 * Has the codec forget everybody who was forgotten up to now, whatever keys a restored key store has brought back. For a
 * process that does not follow the log; of that stream it reads nothing else, which may be damaged.
 */
export async function heedReceipts(eventStore: Pick<EventStore, 'readStream'>, codec: Codec): Promise<void> {
  for (let from = 0; ; from += pageSize) {
    const page = await eventStore.readStream(platformSecurityStream, { from, limit: pageSize });
    for (const { data } of codec.decodeSealed(page.filter(({ type }) => type === KeyDestructionOrdered.type))) {
      codec.forget((data as { personId: string }).personId);
    }
    if (page.length < pageSize) return;
  }
}
