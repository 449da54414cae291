import type { AnyEventDefinition, DomainEvent } from '../../domain/event.js';
import { SealBroken } from './codec.js';
import type { StoredEvent } from './port.js';
import { isSealed, type Sealed, seal, unseal } from './sealing.js';

/** Seals the fields of an event that are declared personal, and opens them. Only those: no other value is ever opened. */

type Fields = Record<string, unknown>;
type Personal = AnyEventDefinition['personal'];

/** `null`: the key was destroyed; undefined: it is not known. */
export type KeyOf = (subject: string) => Buffer | null | undefined;

/** A personal field that is `null` or missing holds nothing to seal. */
export function isPresent(value: unknown): boolean {
  return value !== null && value !== undefined;
}

/** @throws {Error} if the event does not say whose the field is */
export function subjectOf(event: DomainEvent, field: string, personal: Personal): string {
  const subject = (event.data as Fields)[personal[field] as string];
  if (typeof subject !== 'string') throw new Error(`${event.type} does not say whose its ${field} is`);
  return subject;
}

/** What binds a sealed field to its place; it can never be changed. */
function contextOf(eventId: string, field: string): string {
  return `${eventId}:${field}`;
}

/** @returns the event's data with its personal fields sealed; the event itself stays as it is */
export function sealFields(
  event: DomainEvent,
  eventId: string,
  personal: Personal,
  keyOf: (subject: string) => Buffer,
): Fields {
  const fields = event.data as Fields;
  let sealed = fields;
  for (const field in personal) {
    if (!isPresent(fields[field])) continue;
    if (sealed === fields) sealed = { ...fields };
    const subject = subjectOf(event, field, personal);
    sealed[field] = seal(keyOf(subject), subject, contextOf(eventId, field), fields[field]);
  }
  return sealed;
}

export function sealedFields(fields: Fields, personal: Personal): Sealed[] {
  return Object.keys(personal)
    .map((field) => fields[field])
    .filter(isSealed);
}

/**
 * Opens the sealed fields in place; those whose key was destroyed become `null`.
 * @returns false if a key is not known
 * @throws {SealBroken}
 */
export function openFields(event: StoredEvent, fields: Fields, personal: Personal, keyOf: KeyOf): boolean {
  for (const field in personal) {
    const sealed = fields[field];
    if (!isSealed(sealed)) continue;
    const key = keyOf(sealed.keys[0]);
    if (key === undefined) return false;
    fields[field] = key && openField(event, field, key, sealed);
  }
  return true;
}

function openField({ id, stream, revision }: StoredEvent, field: string, key: Buffer, sealed: Sealed): unknown {
  const opened = unseal(key, contextOf(id, field), sealed);
  if (!opened) throw new SealBroken(`${field} of ${stream} at revision ${revision} was changed`);
  return opened.value;
}
