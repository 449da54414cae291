import { isRepeatable, type RecordedEvent } from '../../domain/event.js';
import { type Collection, onAny, type Projection } from '../projection.js';

/** A command that was accepted and may be sent again under its key. */
export interface AcceptedCommand {
  /** Hash of the command's input. */
  hash: string;
  /** Its primary stream, and the revisions there of its first and last event. */
  stream: string;
  firstRevision: number;
  lastRevision: number;
  /** ISO 8601 in UTC */
  recordedAt: string;
}

/** By command id. The events of a command begin with those of its primary stream. */
const commands: Collection<AcceptedCommand> = {
  name: 'commands',
  indexes: [],
  folds: new Map([onAny(({ metadata }) => (isRepeatable(metadata) ? [metadata.commandId] : []), acceptedCommand)]),
};

function acceptedCommand(command: AcceptedCommand | undefined, event: RecordedEvent): AcceptedCommand {
  const { stream, revision, metadata } = event;
  if (!command) {
    const { commandHash: hash, recordedAt } = metadata;
    return { hash, stream, firstRevision: revision, lastRevision: revision, recordedAt };
  }
  if (stream === command.stream) command.lastRevision = revision;
  return command;
}

export const commandsProjection: Projection = { name: 'commands', version: 1, collections: [commands] };
