import { randomUUID } from 'node:crypto';
import type { Runtime } from 'node:inspector';
import { Pipeline } from '../../src/commands/pipeline.js';
import { hashEvent } from '../../src/event-store/hash.js';
import { sealFields } from '../../src/event-store/personal-fields.js';
import { Positions } from '../../src/read-store/positions.js';
import { type Stores, withStores } from '../logs/stores.js';
import { profiled, shareOf } from '../measure/cpu-profile.js';
import { atMost, report } from '../measure/report.js';
import { medianOf } from '../measure/rounds.js';
import { inTemporaryDirectory } from '../measure/temporary-directory.js';

/**
 * How much of the command pipeline's time goes into sealing personal fields and into the hashes of events and of
 * commands: their share of its samples, on the embedded store. What HTTP, the edge and the read models take beside the
 * pipeline is left out, so that the share is not made smaller by it.
 */

const rounds = 5;
const channels = 16;
const posters = 64;
const postsOfRound = 20_000;
const text = 'Does anybody know how to mount a USB stick without being root?';

function isSealing({ functionName }: Runtime.CallFrame): boolean {
  return functionName === sealFields.name || functionName === 'prepare';
}

/** Also the hashes of commands' inputs, which are made within functions of other purposes. */
function isHashing({ functionName, url }: Runtime.CallFrame): boolean {
  return functionName === hashEvent.name || url === 'node:internal/crypto/hash';
}

type Post = () => Promise<unknown>;

async function makePosts(pipeline: Pipeline): Promise<Post[]> {
  const posts: Post[] = [];
  const channelIds: string[] = [];
  for (let index = 0; index < posters; index += 1) {
    const actor = { id: randomUUID() };
    if (index < channels) {
      const { id } = await pipeline.execute({ type: 'conversations.CreateChannel', input: { name: 'bench' }, actor });
      channelIds.push(id);
    }
    const channelId = channelIds[index % channels] as string;
    if (index >= channels) await pipeline.execute({ type: 'conversations.JoinChannel', input: { channelId }, actor });
    posts.push(() => pipeline.execute({ type: 'conversations.PostMessage', input: { channelId, text }, actor }));
  }
  return posts;
}

/** Posts as many as there are posters at any time. @returns posts a second */
async function post(posts: readonly Post[]): Promise<number> {
  const start = performance.now();
  let left = postsOfRound;
  const postInTurn = async (one: Post) => {
    while (left > 0) {
      left -= 1;
      await one();
    }
  };
  await Promise.all(posts.map(postInTurn));
  return (postsOfRound / (performance.now() - start)) * 1_000;
}

async function measure(stores: Stores): Promise<void> {
  const pipeline = await Pipeline.open({ ...stores, positions: new Positions(stores.readStore), publish() {} });
  const posts = await makePosts(pipeline);
  const results: { rate: number; sealing: number; hashing: number }[] = [];
  await post(posts);
  for (let round = 0; round < rounds; round += 1) {
    const { profile, result: rate } = await profiled(() => post(posts));
    results.push({ rate, sealing: shareOf(profile, isSealing), hashing: shareOf(profile, isHashing) });
  }
  await pipeline.drain();
  const bench = 'sealing';
  report({ bench, metric: 'command-rate', value: medianOf(results, ({ rate }) => rate), unit: '1/s' });
  report({ bench, metric: 'sealing-share', value: medianOf(results, (round) => round.sealing), unit: 'ratio' });
  report({ bench, metric: 'hashing-share', value: medianOf(results, (round) => round.hashing), unit: 'ratio' });
  const share = medianOf(results, (round) => round.sealing + round.hashing);
  report({ bench, metric: 'sealing-and-hashing-share', value: share, unit: 'ratio', goal: atMost(0.2) });
}

await inTemporaryDirectory((directory) => withStores(directory, measure));
