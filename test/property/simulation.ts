import { events as definitions } from '../../domain/catalogue.js';
import type { Actor, AnyCommandDefinition, Decision } from '../../domain/decider.js';
import type { RecordedEvent } from '../../domain/event.js';
import { streamName } from '../../domain/ids.js';
import { Rejection } from '../../domain/rejections.js';

/** Deciders at work without any store: streams in memory, every event checked against its schema. */

export interface Step {
  readonly definition: AnyCommandDefinition;
  readonly input: unknown;
  readonly actor: Actor;
  readonly now: number;
  readonly newId: string;
}

export class Simulation {
  readonly streams = new Map<string, RecordedEvent[]>();
  readonly #states = new Map<string, unknown>();
  #position = 0n;

  events(stream: string): RecordedEvent[] {
    return this.streams.get(stream) ?? [];
  }

  /** @returns what the decider decided; its events are in the streams */
  run({ definition, input, actor, now, newId }: Step): Decision {
    const parsed = definition.input.parse(input);
    const stream = streamName(definition.aggregate.category, definition.streamId(parsed, newId));
    const loads = definition.loads(parsed);
    const loaded = loads === undefined ? undefined : this.events(stream)[loads];
    const others = Object.fromEntries(
      Object.entries(definition.others(parsed, newId)).map(([name, other]) => [
        name,
        this.#state(other.stream, other.aggregate),
      ]),
    );
    const command = { input: parsed, actor, now, newId, ...(loaded ? { loaded } : {}) };
    const decision = definition.decide(this.#state(stream, definition.aggregate), command, others);
    if (decision instanceof Rejection) return decision;
    for (const event of decision) {
      const target = event.stream ?? stream;
      const recorded = this.#record(target, event.type, event.data, actor.id, now);
      const aggregate =
        target === stream
          ? definition.aggregate
          : Object.values(definition.others(parsed, newId)).find((other) => other.stream === target)?.aggregate;
      if (aggregate) this.#states.set(target, aggregate.evolve(this.#state(target, aggregate), recorded));
    }
    return decision;
  }

  #state(stream: string, aggregate: AnyCommandDefinition['aggregate']): unknown {
    if (!this.#states.has(stream)) this.#states.set(stream, aggregate.initialState());
    return this.#states.get(stream);
  }

  state<State>(stream: string): State {
    return this.#states.get(stream) as State;
  }

  #record(stream: string, type: string, data: unknown, actor: string, now: number): RecordedEvent {
    definitions.get(type)?.schema.parse(data);
    const events = this.streams.get(stream) ?? [];
    this.streams.set(stream, events);
    this.#position += 1n;
    const id = `01900000-0000-7000-8000-${String(this.#position).padStart(12, '0')}`;
    const at = new Date(now).toISOString();
    const recorded: RecordedEvent = {
      id,
      type,
      data,
      stream,
      revision: events.length,
      position: this.#position,
      metadata: {
        commandId: id,
        commandType: 'test.Step',
        commandHash: '',
        actor,
        correlation: id,
        occurredAt: at,
        recordedAt: at,
        version: '1',
        prevHash: '',
      },
    };
    events.push(recorded);
    return recorded;
  }
}
