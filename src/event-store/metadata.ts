import type { EventMetadata } from '../../domain/event.js';

/** Metadata as JSON text, keys in the order of their UTF-16 units: the same metadata are always the same text. */
export function metadataText(metadata: Omit<EventMetadata, 'version'>, version: number): string {
  return JSON.stringify({
    actor: metadata.actor,
    causation: metadata.causation,
    commandHash: metadata.commandHash,
    commandId: metadata.commandId,
    commandType: metadata.commandType,
    correlation: metadata.correlation,
    occurredAt: metadata.occurredAt,
    origin: metadata.origin,
    prevHash: metadata.prevHash,
    recordedAt: metadata.recordedAt,
    session: metadata.session,
    version: String(version),
  });
}
