import type { DomainEvent, EventMetadata, RecordedEvent } from '../../domain/event.js';
import type { EncodedEvent, StoredEvent } from './port.js';

/**
 * Between what the domain means and what the store keeps: checks each event against its schema, brings old versions up,
 * seals personal fields and opens them, writes metadata, and chains each event to the one before it.
 */
export interface Codec {
  /**
   * Makes sure that a key exists for everybody whose personal fields are in these events, durably. Must be awaited
   * before `encode`.
   */
  prepare(events: readonly DomainEvent[]): Promise<void>;
  /**
   * Checks, seals and serialises an event. Synchronous, so that a mailbox can encode a batch between two awaits.
   * @throws {SubjectForgotten} if someone whose personal fields are in it was forgotten
   * @throws {Error} if the data does not fit the event's schema: a decider at fault
   */
  encode(event: DomainEvent, id: string, metadata: Omit<EventMetadata, 'version'>): EncodedEvent;
  /**
   * Reads stored events, in order. Sealed fields whose key was destroyed are `null`.
   * An event that was given to `remember` may come from memory.
   * @throws {UnknownEvent} if this version does not know its type or its type's version
   * @throws {SealBroken} if a sealed field was changed, or the key store never had its key
   */
  decode(events: readonly StoredEvent[]): Promise<RecordedEvent[]>;
  /**
   * Reads stored events and leaves sealed what is sealed: those fields are `null`, as if everybody were forgotten. For
   * folding states, which hold nothing personal; takes no keys, and a fraction of the time.
   * @throws {UnknownEvent} as `decode`
   */
  decodeSealed(events: readonly StoredEvent[]): RecordedEvent[];
  /** Lets `decode` answer from memory for an event that this process has just appended. */
  remember(stored: StoredEvent, recorded: RecordedEvent): void;
  /**
   * Hears of the receipt of a forgetting: from now on nothing is sealed for the subject, and what was reads `null`, whether
   * their key is destroyed already or not. Events that forget someone are heard of also as they are decoded or remembered,
   * so that nothing behind them, nor on the same page, is opened for that subject.
   */
  forget(subject: string): void;
  /** Seals text under a subject's key (snapshots, cursors of an import); `context` binds it to its place. */
  sealText(subject: string, context: string, text: string): Promise<string>;
  /** @returns undefined if it was changed, or its key is gone */
  openText(subject: string, context: string, sealed: string): Promise<string | undefined>;
}

/** The hash that the next event of the stream names as `prevHash`. */
export type HashEvent = (event: Pick<StoredEvent, 'stream' | 'revision' | keyof EncodedEvent>) => string;

/** Someone was forgotten: nothing more of theirs can be stored. */
export class SubjectForgotten extends Error {
  constructor(readonly subject: string) {
    super(`the key of ${subject} was destroyed`);
  }
}

export class UnknownEvent extends Error {}

export class SealBroken extends Error {}
