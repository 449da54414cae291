import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import { events as declaredEvents } from '../../domain/catalogue.js';
import type { AnyEventDefinition, DomainEvent, EventMetadata, RecordedEvent } from '../../domain/event.js';
import type { KeyStore } from '../keys/port.js';
import { type Codec, SealBroken, SubjectForgotten } from './codec.js';
import { definitionOf, upcast } from './event-versions.js';
import { metadataText } from './metadata.js';
import type { EncodedEvent, StoredEvent } from './port.js';
import { isSealed, type Sealed, seal, unseal } from './sealing.js';
import { SubjectKeys } from './subject-keys.js';

type Fields = Record<string, unknown>;

/** A stored event on its way to a recorded one: parsed, of the version it was stored in, still sealed. */
interface ParsedEvent {
  readonly definition: AnyEventDefinition;
  readonly data: Fields;
  readonly metadata: EventMetadata;
  /** Names of the fields that are sealed. */
  readonly sealed: readonly string[];
}

type SubjectKeyMap = ReadonlyMap<string, KeyObject | null>;

const nothingSealed: readonly string[] = [];
const noKeys: SubjectKeyMap = new Map();

export function createCodec(
  keys: KeyStore,
  definitions: ReadonlyMap<string, AnyEventDefinition> = declaredEvents,
): Codec {
  return new EventCodec(new SubjectKeys(keys), definitions);
}

class EventCodec implements Codec {
  private readonly remembered = new WeakMap<StoredEvent, RecordedEvent>();

  constructor(
    private readonly keys: SubjectKeys,
    private readonly definitions: ReadonlyMap<string, AnyEventDefinition>,
  ) {}

  async prepare(events: readonly DomainEvent[]): Promise<void> {
    const subjects = new Set<string>();
    for (const event of events) {
      const { personal } = definitionOf(this.definitions, event.type);
      const data = event.data as Fields;
      for (const field in personal) if (isPresent(data[field])) subjects.add(subjectOf(event, field, personal));
    }
    if (subjects.size > 0) await this.keys.ensure(subjects);
  }

  encode(event: DomainEvent, id: string, metadata: Omit<EventMetadata, 'version'>): EncodedEvent {
    const definition = definitionOf(this.definitions, event.type);
    const checked = definition.schema.safeParse(event.data);
    if (!checked.success) throw new Error(`${event.type} is not as declared: ${z.prettifyError(checked.error)}`);
    return {
      id,
      type: event.type,
      data: JSON.stringify(this.sealFields(event, id, definition)),
      metadata: metadataText(metadata, definition.version),
    };
  }

  private sealFields(event: DomainEvent, id: string, { personal }: AnyEventDefinition): Fields {
    let data = event.data as Fields;
    for (const field in personal) {
      if (!isPresent(data[field])) continue;
      // Not the caller's object.
      if (data === event.data) data = { ...data };
      data[field] = this.sealUnder(subjectOf(event, field, personal), contextOf(id, field), data[field]);
    }
    return data;
  }

  private sealUnder(subject: string, context: string, value: unknown): Sealed {
    const key = this.keys.ready(subject);
    if (key === null) throw new SubjectForgotten(subject);
    if (!key) throw new Error(`the key of ${subject} was not prepared`);
    return seal(key, subject, context, value);
  }

  async decode(events: readonly StoredEvent[]): Promise<RecordedEvent[]> {
    const subjects = new Set<string>();
    const parsed = events.map((event) => this.remembered.get(event) ?? this.parse(event, subjects));
    const keys = subjects.size > 0 ? await this.keys.of(subjects) : noKeys;
    return parsed.map((known, index) => {
      if (!('definition' in known)) return known;
      const event = events[index] as StoredEvent;
      for (const field of known.sealed) known.data[field] = openField(event, field, known.data[field] as Sealed, keys);
      return recordedEvent(event, known);
    });
  }

  private parse(event: StoredEvent, subjects: Set<string>): ParsedEvent {
    const definition = definitionOf(this.definitions, event.type);
    const data = JSON.parse(event.data) as Fields;
    let sealed = nothingSealed;
    for (const field in definition.personal) {
      const value = data[field];
      if (!isSealed(value)) continue;
      sealed = sealed === nothingSealed ? [field] : [...sealed, field];
      subjects.add(value.keys[0]);
    }
    return { definition, data, metadata: JSON.parse(event.metadata), sealed };
  }

  remember(stored: StoredEvent, recorded: RecordedEvent): void {
    this.remembered.set(stored, recorded);
  }

  async sealText(subject: string, context: string, text: string): Promise<string> {
    await this.keys.ensure(new Set([subject]));
    return JSON.stringify(this.sealUnder(subject, context, text));
  }

  async openText(subject: string, context: string, sealed: string): Promise<string | undefined> {
    const parsed = parseJson(sealed);
    if (!isSealed(parsed) || parsed.keys[0] !== subject) return undefined;
    const key = (await this.keys.of(new Set([subject]))).get(subject);
    const opened = key && unseal(key, context, parsed)?.value;
    return typeof opened === 'string' ? opened : undefined;
  }
}

function recordedEvent(
  { id, type, stream, revision, position }: StoredEvent,
  { definition, data, metadata }: ParsedEvent,
): RecordedEvent {
  return { id, type, data: upcast(definition, data, metadata.version), stream, revision, position, metadata };
}

/** @returns `null` if the key was destroyed */
function openField(event: StoredEvent, field: string, sealed: Sealed, keys: SubjectKeyMap): unknown {
  const [subject] = sealed.keys;
  const key = keys.get(subject);
  if (key === null) return null;
  const opened = key && unseal(key, contextOf(event.id, field), sealed);
  if (opened) return opened.value;
  const reason = key ? 'was changed' : `is sealed for ${subject}, of whom the key store knows nothing`;
  throw new SealBroken(`${field} of ${event.stream} at revision ${event.revision} ${reason}`);
}

/** @throws {Error} if the event does not say whose the field is */
function subjectOf(event: DomainEvent, field: string, personal: AnyEventDefinition['personal']): string {
  const subject = (event.data as Fields)[personal[field] as string];
  if (typeof subject !== 'string') throw new Error(`${event.type} does not say whose its ${field} is`);
  return subject;
}

function isPresent(value: unknown): boolean {
  return value !== null && value !== undefined;
}

/** What binds a sealed field to its place, and can never be changed. */
function contextOf(eventId: string, field: string): string {
  return `${eventId}:${field}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
