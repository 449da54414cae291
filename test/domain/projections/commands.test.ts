import { describe, expect, it } from 'vitest';
import type { EventMetadata, RecordedEvent } from '../../../domain/event.js';
import { ProfileCreated } from '../../../domain/identity/profile.js';
import { commandsProjection } from '../../../projections/commands/commands.js';
import { idOf, past, record } from '../specification.js';
import { fold } from './folding.js';

const keyed = '01900000-0000-8000-8000-000000000000';
const unkeyed = '01900000-0000-7000-8000-000000000000';

/** Five events, the third one of another stream. */
const events = record(
  [1, 1, 2, 1, 1].flatMap((digit) =>
    past(`user-${idOf(digit)}`, ProfileCreated({ personId: idOf(digit), name: null, username: null })),
  ),
);

function causedBy(metadata: Partial<EventMetadata>, from: number, to: number): RecordedEvent[] {
  return events
    .slice(from, to)
    .map((event) => ({ ...event, metadata: { ...event.metadata, commandHash: 'hash', ...metadata } }));
}

describe('the projection of commands', () => {
  it('remembers a command sent with a key: its input, and where its events are in its primary stream', () => {
    expect(fold(commandsProjection, causedBy({ commandId: keyed }, 1, 4))).toEqual({
      [`commands/${keyed}`]: {
        hash: 'hash',
        stream: `user-${idOf(1)}`,
        firstRevision: 1,
        lastRevision: 2,
        recordedAt: events[1]?.metadata.recordedAt,
      },
    });
  });

  it('does not remember commands that nobody can send again', () => {
    expect(fold(commandsProjection, causedBy({ commandId: unkeyed }, 0, 5))).toEqual({});
    expect(fold(commandsProjection, causedBy({ commandId: keyed, origin: 'import' }, 0, 5))).toEqual({});
  });
});
