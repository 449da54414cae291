import { expect } from 'vitest';
import { aggregates, commands } from '../../domain/catalogue.js';
import type { Actor, AnyAggregate, AnyCommandDefinition } from '../../domain/decider.js';
import type { DomainEvent, RecordedEvent } from '../../domain/event.js';
import { parseStreamName, streamName } from '../../domain/ids.js';
import { Rejection, type RejectionCode } from '../../domain/rejections.js';

/** Given what happened, when someone commands, then this happens or is refused. */

/** An event of a stream's past: what was decided, and who did it where that matters. */
export interface PastEvent {
  readonly stream: string;
  readonly event: DomainEvent;
  readonly actor?: string;
  /** ms since 1970; shortly before noon unless told. */
  readonly at?: number;
}

export interface When {
  readonly actor?: Actor;
  /** ms since 1970 */
  readonly now?: number;
  readonly newId?: string;
  readonly ifMatch?: number;
}

export const noon = Date.parse('2030-01-01T12:00:00Z');
export const someId = '01900000-0000-7000-8000-000000000000';

/** Ids that are easy to tell apart in a failing test. */
export function idOf(digit: number): string {
  return `0190000${digit}-0000-7000-8000-000000000000`;
}

export function past(stream: string, ...events: readonly DomainEvent[]): PastEvent[] {
  return events.map((event) => ({ stream, event }));
}

/** As `past`, of what happened at a certain time, in ms since 1970. */
export function pastAt(at: number, stream: string, ...events: readonly DomainEvent[]): PastEvent[] {
  return events.map((event) => ({ stream, event, at }));
}

export function given(...history: readonly (readonly PastEvent[])[]) {
  const recorded = record(history.flat());
  return {
    when(type: string, input: unknown, options: When = {}) {
      const definition = commands.get(type) as AnyCommandDefinition;
      const parsed = definition.input.parse(input);
      const newId = options.newId ?? someId;
      const stream = streamName(definition.aggregate.category, definition.streamId(parsed, newId));
      const loads = definition.loads(parsed);
      const loaded = recorded.find((event) => event.stream === stream && event.revision === loads);
      const command = {
        input: parsed,
        actor: options.actor ?? { id: idOf(1) },
        now: options.now ?? noon,
        newId,
        ...(options.ifMatch === undefined ? {} : { ifMatch: options.ifMatch }),
        ...(loaded ? { loaded } : {}),
      };
      const others = Object.fromEntries(
        Object.entries(definition.others(parsed, newId)).map(([name, other]) => [
          name,
          fold(other.aggregate, recorded, other.stream),
        ]),
      );
      const decision = definition.decide(fold(definition.aggregate, recorded, stream), command, others);
      return {
        // biome-ignore lint/suspicious/noThenProperty: reads as given, when, then; nobody awaits it
        then(...events: readonly DomainEvent[]) {
          expect(decision).toEqual(events);
        },
        thenNothing() {
          expect(decision).toEqual([]);
        },
        thenRefused(code: RejectionCode) {
          expect(decision).toBeInstanceOf(Rejection);
          expect((decision as Rejection).code).toBe(code);
        },
      };
    },
  };
}

/** Folds a stream, once directly and once through a snapshot in its middle, which must come to the same. */
export function fold(aggregate: AnyAggregate, history: readonly RecordedEvent[], stream: string): unknown {
  const events = history.filter((event) => event.stream === stream);
  const whole = events.reduce((state, event) => aggregate.evolve(state, event), aggregate.initialState());
  const middle = Math.floor(events.length / 2);
  const half = events
    .slice(0, middle)
    .reduce((state, event) => aggregate.evolve(state, event), aggregate.initialState());
  const snapshot = JSON.parse(JSON.stringify(aggregate.toSnapshot(half))) as never;
  const resumed = events
    .slice(middle)
    .reduce((state, event) => aggregate.evolve(state, event), aggregate.fromSnapshot(snapshot));
  expect(aggregate.toSnapshot(resumed)).toEqual(aggregate.toSnapshot(whole));
  return whole;
}

/** Gives events of the past their places. */
export function record(history: readonly PastEvent[]): RecordedEvent[] {
  const revisions = new Map<string, number>();
  return history.map(({ stream, event, actor, at: time }, index) => {
    expect(aggregates.has(parseStreamName(stream).category)).toBe(true);
    const revision = (revisions.get(stream) ?? -1) + 1;
    revisions.set(stream, revision);
    const at = new Date(time ?? noon - 1_000_000 + index).toISOString();
    return {
      id: `01900000-0000-7000-8000-${String(index).padStart(12, '0')}`,
      type: event.type,
      data: event.data,
      stream,
      revision,
      position: BigInt(index + 1),
      metadata: {
        commandId: someId,
        commandType: 'test.Given',
        commandHash: '',
        actor: actor ?? 'system',
        correlation: someId,
        occurredAt: at,
        recordedAt: at,
        version: '1',
        prevHash: '',
      },
    };
  });
}
