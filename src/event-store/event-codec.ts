import { z } from 'zod';
import { events as declaredEvents } from '../../domain/catalogue.js';
import {
  type AnyEventDefinition,
  type DomainEvent,
  type EventMetadata,
  forgettingTypes,
  type RecordedEvent,
} from '../../domain/event.js';
import type { KeyStore } from '../keys/port.js';
import { type Codec, SealBroken, SubjectForgotten } from './codec.js';
import { definitionOf, upcast } from './event-versions.js';
import { metadataText } from './metadata.js';
import { isPresent, type KeyOf, openFields, sealedFields, sealFields, subjectOf } from './personal-fields.js';
import type { EncodedEvent, StoredEvent } from './port.js';
import { isSealed, seal, unseal } from './sealing.js';
import { SubjectKeys } from './subject-keys.js';

type Fields = Record<string, unknown>;

/** @param definitions the event types that it knows, by name */
export function createCodec(
  keys: KeyStore,
  definitions: ReadonlyMap<string, AnyEventDefinition> = declaredEvents,
): Codec {
  return new EventCodec(new SubjectKeys(keys), definitions);
}

class EventCodec implements Codec {
  private remembered = new WeakMap<StoredEvent, RecordedEvent>();
  /** Types of events that forget someone. */
  private readonly forgetting: ReadonlySet<string>;

  constructor(
    private readonly keys: SubjectKeys,
    private readonly definitions: ReadonlyMap<string, AnyEventDefinition>,
  ) {
    this.forgetting = forgettingTypes(definitions);
  }

  async prepare(events: readonly DomainEvent[]): Promise<void> {
    const subjects = new Set<string>();
    for (const event of events) {
      const { personal } = definitionOf(this.definitions, event.type);
      for (const field in personal) {
        if (isPresent((event.data as Fields)[field])) subjects.add(subjectOf(event, field, personal));
      }
    }
    if (subjects.size > 0) await this.keys.ensure(subjects);
  }

  encode(event: DomainEvent, id: string, metadata: Omit<EventMetadata, 'version'>): EncodedEvent {
    const definition = definitionOf(this.definitions, event.type);
    const checked = definition.schema.safeParse(event.data);
    if (!checked.success) throw new Error(`${event.type} is not as declared: ${z.prettifyError(checked.error)}`);
    const fields = sealFields(event, id, definition.personal, (subject) => this.preparedKey(subject));
    return {
      id,
      type: event.type,
      data: JSON.stringify(fields),
      metadata: metadataText(metadata, definition.version),
    };
  }

  private preparedKey(subject: string): Buffer {
    const key = this.keys.prepared(subject);
    if (key === null) throw new SubjectForgotten(subject);
    if (!key) throw new Error(`the key of ${subject} was not prepared`);
    return key;
  }

  async decode(events: readonly StoredEvent[]): Promise<RecordedEvent[]> {
    for (const event of events) {
      if (this.forgetting.has(event.type)) this.forgetBy(this.decodeSealed([event])[0] as RecordedEvent);
    }
    const now = performance.now();
    const keyOf: KeyOf = (subject) => this.keys.fresh(subject, now);
    const recorded = events.map((event) => this.remembered.get(event) ?? this.open(event, keyOf));
    if (recorded.includes(undefined)) await this.openRest(events, recorded);
    return recorded as RecordedEvent[];
  }

  decodeSealed(events: readonly StoredEvent[]): RecordedEvent[] {
    return events.map((event) => this.open(event, () => null) as RecordedEvent);
  }

  /** @returns undefined if a key that it needs is not known */
  private open(event: StoredEvent, keyOf: KeyOf): RecordedEvent | undefined {
    const { id, type, stream, revision, position } = event;
    const definition = definitionOf(this.definitions, type);
    const fields = JSON.parse(event.data) as Fields;
    if (!openFields(event, fields, definition.personal, keyOf)) return undefined;
    const metadata = JSON.parse(event.metadata) as EventMetadata;
    const data = upcast(definition, fields, metadata.version);
    return { id, type, data, stream, revision, position, metadata };
  }

  /** Opens what is missing in `recorded` with keys from the key store. */
  private async openRest(events: readonly StoredEvent[], recorded: (RecordedEvent | undefined)[]): Promise<void> {
    const subjects = new Set<string>();
    for (const [index, event] of events.entries()) {
      if (!recorded[index]) for (const subject of this.subjectsOf(event)) subjects.add(subject);
    }
    const keys = await this.keys.fetch([...subjects]);
    for (const [index, event] of events.entries()) {
      recorded[index] ??= this.open(event, (subject) => keys.get(subject));
      if (recorded[index]) continue;
      const without = this.subjectsOf(event).filter((subject) => !keys.has(subject));
      throw new SealBroken(
        `${event.stream} at revision ${event.revision} is sealed for ${without}, who never had a key`,
      );
    }
  }

  private subjectsOf(event: StoredEvent): string[] {
    const { personal } = definitionOf(this.definitions, event.type);
    return sealedFields(JSON.parse(event.data), personal).map(({ keys }) => keys[0]);
  }

  remember(stored: StoredEvent, recorded: RecordedEvent): void {
    if (this.forgetting.has(recorded.type)) this.forgetBy(recorded);
    if (!this.isOfForgotten(recorded)) this.remembered.set(stored, recorded);
  }

  forget(subject: string): void {
    if (this.keys.isForgotten(subject)) return;
    this.keys.forget(subject);
    this.remembered = new WeakMap();
  }

  private forgetBy(event: RecordedEvent): void {
    const { forgets } = definitionOf(this.definitions, event.type);
    if (forgets !== undefined) this.forget((event.data as Fields)[forgets] as string);
  }

  /** Whether someone was forgotten while an event of theirs was on its way to the store. */
  private isOfForgotten(event: RecordedEvent): boolean {
    if (!this.keys.hasForgotten) return false;
    const { personal } = definitionOf(this.definitions, event.type);
    return Object.keys(personal).some(
      (field) => isPresent((event.data as Fields)[field]) && this.keys.isForgotten(subjectOf(event, field, personal)),
    );
  }

  async sealText(subject: string, context: string, text: string): Promise<string> {
    await this.keys.ensure(new Set([subject]));
    return JSON.stringify(seal(this.preparedKey(subject), subject, context, text));
  }

  async openText(subject: string, context: string, sealed: string): Promise<string | undefined> {
    const parsed = parseJson(sealed);
    if (!isSealed(parsed) || parsed.keys[0] !== subject) return undefined;
    const key = this.keys.fresh(subject, performance.now()) ?? (await this.keys.fetch([subject])).get(subject);
    const opened = key && unseal(key, context, parsed)?.value;
    return typeof opened === 'string' ? opened : undefined;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
