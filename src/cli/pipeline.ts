import { projections } from '../../projections/catalogue.js';
import { createIdentity, type Identity } from '../auth/identity.js';
import { InternalTokens } from '../auth/internal-tokens.js';
import { InProcessBroker } from '../broker/in-process.js';
import { Pipeline } from '../commands/pipeline.js';
import type { CommandPipeline } from '../commands/port.js';
import { openAccessTokens } from '../main.js';
import { refuseCheckpointsAhead } from '../projector/checkpoint-ahead.js';
import { Positions } from '../read-store/positions.js';
import { LiveStreams } from '../relay/live-streams.js';
import type { Data } from './data.js';

/** Issues commands; a server that runs meanwhile finds their events in the log, or else the next one does. */
export async function withPipeline<T>(data: Data, body: (pipeline: CommandPipeline) => Promise<T>): Promise<T> {
  await refuseCheckpointsAhead({ ...data, projections });
  const pipeline = await Pipeline.open({ ...data, positions: new Positions(data.readStore), publish() {} });
  try {
    return await body(pipeline);
  } finally {
    await pipeline.drain();
  }
}

/** Works on accounts as the server does. */
export async function withIdentity<T>(
  data: Data,
  body: (identity: Identity, pipeline: CommandPipeline) => Promise<T>,
): Promise<T> {
  const { config, keys, logger } = data;
  const onError = (error: unknown) => logger.error({ err: error }, 'the log could not be read');
  const liveStreams = await LiveStreams.start({ ...data, broker: new InProcessBroker(onError), onError });
  try {
    return await withPipeline(data, async (pipeline) => {
      const accessTokens = openAccessTokens(config, keys, liveStreams);
      const internalTokens = await InternalTokens.open(keys);
      const parts = { ...data, pipeline, liveStreams, accessTokens, internalTokens, settings: config };
      return body(await createIdentity(parts), pipeline);
    });
  } finally {
    liveStreams.stop();
  }
}
