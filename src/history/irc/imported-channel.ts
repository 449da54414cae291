import { CreateChannel, channel } from '../../../domain/conversations/channel.js';
import { systemActor } from '../../../domain/decider.js';
import { streamName } from '../../../domain/ids.js';
import { identify } from '../../commands/command-id.js';
import type { Pipeline } from '../../commands/pipeline.js';
import { CommandRejected, type CommandRequest } from '../../commands/port.js';

/** The channel that transcripts are imported into, as it was when it was read. */
export interface ImportedChannel {
  readonly id: string;
  readonly members: ReadonlySet<string>;
  /** Last imported line of each transcript. */
  readonly imported: ReadonlyMap<string, number>;
}

/** The channel that imports under this name have in common, made at the first one; its id derives from the name. */
export async function openImportedChannel(
  pipeline: Pick<Pipeline, 'execute' | 'loadState'>,
  name: string,
): Promise<ImportedChannel> {
  const request: CommandRequest = {
    type: CreateChannel.type,
    input: { name },
    actor: systemActor,
    idempotencyKey: `import irc ${name}`,
    origin: 'import',
  };
  const id = identify(request, CreateChannel).newId;
  const load = () => pipeline.loadState(channel, streamName(channel.category, id));
  let state = await load();
  if (!state.kind) {
    await pipeline.execute(request).catch(unlessThere);
    state = await load();
  }
  return { id, members: new Set(state.members.keys()), imported: state.imported };
}

/** Another import may have made it in the meantime. */
function unlessThere(error: unknown): void {
  if (!(error instanceof CommandRejected && error.code === 'already-exists')) throw error;
}
