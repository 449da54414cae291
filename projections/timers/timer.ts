import type { AnyEventDefinition, RecordedEvent } from '../../domain/event.js';

/** A command to be issued once a time has come. */
export interface Timer {
  /** ISO 8601 in UTC */
  dueAt: string;
  command: { type: string; input: unknown };
}

/** What one event type does to the timers of one kind: starts the one named, or ends it (no timer). */
export interface TimerRule {
  readonly event: AnyEventDefinition;
  id(event: RecordedEvent): string;
  timer(event: RecordedEvent): Timer | undefined;
}

type EventOf<Definition> = Definition extends { toFrame(event: infer Event): unknown } ? Event : never;

interface TimerOptions<Start extends AnyEventDefinition, End extends AnyEventDefinition> {
  /** What the timer is for; its id is `<name>/<subject>`. */
  readonly name: string;
  readonly startedBy: Start;
  subject(event: EventOf<Start>): string;
  dueAt(event: EventOf<Start>): string;
  command(event: EventOf<Start>): Timer['command'];
  /** Events that end it, with the subject that each names. The command's own event must be among them. */
  readonly endedBy: readonly (readonly [End, (event: EventOf<End>) => string])[];
}

/** Declares a timer: which event starts it, when it is due, what is done then, and which events end it. */
export function timer<Start extends AnyEventDefinition, End extends AnyEventDefinition>(
  options: TimerOptions<Start, End>,
): TimerRule[] {
  const { name, startedBy, subject, dueAt, command, endedBy } = options;
  const starts: TimerRule = {
    event: startedBy,
    id: (event) => `${name}/${subject(event as EventOf<Start>)}`,
    timer: (event) => ({ dueAt: dueAt(event as EventOf<Start>), command: command(event as EventOf<Start>) }),
  };
  const ends = endedBy.map(
    ([event, subjectOf]): TimerRule => ({
      event,
      id: (ended) => `${name}/${subjectOf(ended as EventOf<End>)}`,
      timer: () => undefined,
    }),
  );
  return [starts, ...ends];
}
