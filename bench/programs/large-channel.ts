import { HttpConnection } from '../load/http-connection.js';
import { HttpLoad } from '../load/http-load.js';
import { ParleyApi, postRequest } from '../load/parley-api.js';
import { type SeededChannel, seedChannel } from '../logs/large-channel.js';
import { withStores } from '../logs/stores.js';
import { cpuOf, effortOf } from '../measure/effort.js';
import { atMost, report } from '../measure/report.js';
import { inTurns, median, medianOf } from '../measure/rounds.js';
import { inTemporaryDirectory } from '../measure/temporary-directory.js';
import { type ParleyServer, startParley } from '../servers/parley.js';

/** What a post costs in a channel of a million messages, against a small one, and the first one after a restart. */

const bench = 'large-channel';
const rounds = 5;
const restarts = 3;
const connections = 16;
const postMs = 2_000;
const text = 'Does anybody know how to mount a USB stick without being root?';

interface Channels {
  readonly large: SeededChannel;
  readonly small: SeededChannel;
}

async function withServer<T>(dataDirectory: string, body: (parley: ParleyServer) => Promise<T>): Promise<T> {
  const parley = await startParley(dataDirectory);
  return body(parley).finally(() => parley.process.stop());
}

/** CPU time of a post, until the read models have it, in µs. */
async function postInto({ channelId, members }: SeededChannel, parley: ParleyServer, api: ParleyApi): Promise<number> {
  const requests = members.slice(0, connections).map((personId) => postRequest(personId, channelId, text));
  const load = await HttpLoad.open(parley.port, await Promise.all(requests), 201);
  const effort = await effortOf(parley.process, async () => {
    const { answered } = await load.run(postMs);
    await api.projected();
    return answered;
  });
  load.close();
  return cpuOf(effort);
}

async function measureCost({ large, small }: Channels, parley: ParleyServer): Promise<void> {
  const api = await ParleyApi.open(parley.port);
  await api.projected();
  const costs = await inTurns(
    { rounds },
    {
      small: () => postInto(small, parley, api),
      large: () => postInto(large, parley, api),
    },
  );
  api.close();
  report({ bench, metric: 'post-cpu-small', value: medianOf(costs, (cost) => cost.small), unit: 'us' });
  report({ bench, metric: 'post-cpu-large', value: medianOf(costs, (cost) => cost.large), unit: 'us' });
  const value = medianOf(costs, (cost) => cost.large / cost.small);
  report({ bench, metric: 'large-to-small', value, unit: 'ratio', goal: atMost(1.2) });
}

/** From sending the very first request of a server to its answer, in ms. */
async function firstPost({ channelId, members }: SeededChannel, { port }: ParleyServer): Promise<number> {
  const request = await postRequest(members[0] as string, channelId, text);
  const connection = await HttpConnection.open(port);
  const start = performance.now();
  const { status, body } = await connection.send(request);
  const ms = performance.now() - start;
  connection.close();
  if (status !== 201) throw new Error(`${status}: ${body}`);
  return ms;
}

await inTemporaryDirectory(async (directory) => {
  const channels = await withStores(directory, async (stores) => ({
    small: await seedChannel(stores, { messages: 1_000, members: 20 }),
    large: await seedChannel(stores, { messages: 1_000_000, members: 20_000 }),
  }));
  await withServer(directory, (parley) => measureCost(channels, parley));
  const times: number[] = [];
  for (let restart = 0; restart < restarts; restart += 1) {
    times.push(await withServer(directory, (parley) => firstPost(channels.large, parley)));
  }
  report({ bench, metric: 'first-post-after-restart', value: median(times), unit: 'ms', goal: atMost(50) });
});
