import { createHash, randomBytes } from 'node:crypto';
import type { CommandDefinition } from '../../domain/decider.js';
import { newUuid, uuidOf } from './new-id.js';
import type { CommandRequest } from './port.js';

/** A UUID of version 8 (RFC 9562) made from what causes it: the same cause, the same id. */
export function derivedUuid(...cause: readonly string[]): string {
  const digest = createHash('sha256').update(JSON.stringify(cause)).digest();
  digest[6] = ((digest[6] as number) & 0x0f) | 0x80;
  digest[8] = ((digest[8] as number) & 0x3f) | 0x80;
  return uuidOf(digest);
}

export interface CommandIdentity {
  readonly commandId: string;
  /** Whether the same request, sent again, has the same id: only then can it be recognised. */
  readonly repeatable: boolean;
  /** For what the command makes. */
  readonly newId: string;
}

/** The ids of a request: derived from its Idempotency-Key or its cause, else new. */
export function identify(
  request: CommandRequest,
  { type, idForm }: Pick<CommandDefinition, 'type' | 'idForm'>,
): CommandIdentity {
  const { idempotencyKey, causation, actor } = request;
  if (idempotencyKey === undefined && causation === undefined) {
    return {
      commandId: newUuid(),
      repeatable: false,
      newId: idForm === 'uuid' ? newUuid() : randomBytes(8).toString('hex'),
    };
  }
  const commandId =
    idempotencyKey === undefined
      ? derivedUuid('cause', type, causation as string)
      : derivedUuid('key', actor.id, type, idempotencyKey);
  const newId = derivedUuid('new', commandId);
  return { commandId, repeatable: true, newId: idForm === 'uuid' ? newId : newId.replaceAll('-', '').slice(-16) };
}
