import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { ParleyClient } from '../../client/index.js';
import { HttpConnection } from '../load/http-connection.js';
import { HttpLoad } from '../load/http-load.js';
import { PacedLoad } from '../load/paced.js';
import { ParleyApi, postRequest } from '../load/parley-api.js';
import { enrolIn } from '../logs/people.js';
import { atMost, report } from '../measure/report.js';
import { quantile } from '../measure/rounds.js';
import { inTemporaryDirectory } from '../measure/temporary-directory.js';
import { type NatsServer, startNats } from '../servers/nats.js';
import { accessTokenOf, authorizationOf, type ParleyServer, startParley } from '../servers/parley.js';

/**
 * Two apis, two edges, two projectors, a relay and a reactor over one SQLite log, with NATS between them: from the answer
 * to a command until its frame is at a subscriber of an edge, at half of the rate that the apis take; how long 3,000
 * subscribers need to be whole again who were all cut off at once; and how long nobody projects when the projector is
 * killed.
 */

const bench = 'distributed';
const subscribers = 3_000;
/** Of a person; the edge allows 20. */
const socketsOfPerson = 20;
const loadConnections = 8;
const loadMs = 3_000;
const paceMs = 10_000;
/** Posts while the subscribers are away. */
const missed = 20;
const text = 'Does anybody know how to mount a USB stick without being root?';

interface Cluster {
  readonly apis: readonly ParleyServer[];
  readonly edges: readonly ParleyServer[];
  readonly projectors: readonly ParleyServer[];
  stop(): Promise<void>;
}

async function startCluster(directory: string, broker: NatsServer): Promise<Cluster> {
  const started: ParleyServer[] = [];
  const start = async (roles: string) => {
    const server = await startParley(directory, { PARLEY_ROLES: roles, PARLEY_BROKER: broker.url });
    started.push(server);
    return server;
  };
  const apis = [await start('api'), await start('api')];
  const edges = [await start('edge'), await start('edge')];
  const projectors = [await start('projector'), await start('projector')];
  await start('relay');
  await start('reactor');
  return {
    apis,
    edges,
    projectors,
    async stop() {
      for (const { process } of started) await process.stop();
    },
  };
}

/** A client that can be cut off as a failing network would. */
class Subscriber {
  revision = -1;
  #socket: WebSocket | undefined;
  readonly #client: ParleyClient;

  constructor(token: string, edge: ParleyServer, feed: string, from: number) {
    const keep = (socket: WebSocket) => {
      this.#socket = socket;
    };
    class Kept extends WebSocket {
      constructor(url: string) {
        super(url, { perMessageDeflate: false });
        keep(this);
      }
    }
    this.#client = new ParleyClient({
      url: `http://127.0.0.1:${edge.port}`,
      socketUrl: `ws://127.0.0.1:${edge.edgePort}/api/v1/socket`,
      accessToken: token,
      WebSocket: Kept as never,
    });
    this.#client.subscribe(feed, {
      from,
      onFrame: ({ revision }) => this.#take(revision),
      onBareFrame: ({ revision }) => this.#take(revision),
    });
  }

  cut(): void {
    this.#socket?.terminate();
  }

  close(): void {
    this.#client.close();
  }

  #take(revision: number): void {
    if (this.revision >= 0 && revision !== this.revision + 1) throw new Error(`${revision} after ${this.revision}`);
    this.revision = revision;
  }
}

async function measureLatency(cluster: Cluster, personId: string, channelId: string): Promise<void> {
  const requests = await Promise.all(
    Array.from({ length: loadConnections }, () => postRequest(personId, channelId, text)),
  );
  const loads = await Promise.all(cluster.apis.map(({ port }) => HttpLoad.open(port, requests, 201)));
  const answered = await Promise.all(loads.map((load) => load.run(loadMs)));
  for (const load of loads) load.close();
  const rate = answered.reduce((sum, load) => sum + load.answered, 0) / (loadMs / 1_000) / 2;
  report({ bench, metric: 'half-load', value: rate, unit: '1/s' });
  await sleep(1_000);

  const arrivals = new Map<number, number>();
  const answers = new Map<number, number>();
  const client = new ParleyClient({
    url: `http://127.0.0.1:${cluster.apis[0]?.port}`,
    socketUrl: `ws://127.0.0.1:${cluster.edges[1]?.edgePort}/api/v1/socket`,
    accessToken: await accessTokenOf(personId),
    WebSocket: WebSocket as never,
  });
  await new Promise<void>((resolve) => {
    client.subscribe(`channel-${channelId}`, {
      onSubscribed: () => resolve(),
      onFrame: ({ revision }) => arrivals.set(revision, performance.now()),
    });
  });
  const request = await postRequest(personId, channelId, text);
  const load = await PacedLoad.open(
    cluster.apis.map(({ port }) => port),
    64,
  );
  await load.run(request, rate, paceMs, ({ body, status }) => {
    if (status === 201) answers.set((JSON.parse(body) as { revision: number }).revision, performance.now());
  });
  load.close();
  while ([...answers.keys()].some((revision) => !arrivals.has(revision))) await sleep(10);
  client.close();
  const delays = [...answers].map(([revision, at]) => Math.max(0, (arrivals.get(revision) as number) - at));
  report({ bench, metric: 'frame-p50', value: quantile(delays, 0.5), unit: 'ms' });
  report({ bench, metric: 'frame-p99', value: quantile(delays, 0.99), unit: 'ms', goal: atMost(20) });
}

async function measureResumption(cluster: Cluster, people: readonly string[], channelId: string): Promise<void> {
  const [owner = ''] = people;
  const api = await HttpConnection.open(cluster.apis[0]?.port as number);
  const request = await postRequest(owner, channelId, text);
  const post = async () => (JSON.parse((await api.send(request)).body) as { revision: number }).revision;
  const from = (await post()) + 1;
  const audience: Subscriber[] = [];
  for (let n = 0; n < subscribers; n += 1) {
    const token = await accessTokenOf(people[Math.floor(n / socketsOfPerson)] as string);
    audience.push(new Subscriber(token, cluster.edges[n % 2] as ParleyServer, `channel-${channelId}`, from));
    if (n % 100 === 99) await sleep(100);
  }
  let head = await post();
  const whole = () => audience.every(({ revision }) => revision === head);
  while (!whole()) await sleep(20);
  const cutAt = performance.now();
  for (const subscriber of audience) subscriber.cut();
  for (let n = 0; n < missed; n += 1) head = await post();
  while (!whole()) await sleep(5);
  const seconds = (performance.now() - cutAt) / 1_000;
  report({ bench, metric: 'resumed', value: seconds, unit: 's', goal: atMost(5) });
  for (const subscriber of audience) subscriber.close();
  api.close();
}

async function measureTakeover(cluster: Cluster, personId: string, channelId: string): Promise<void> {
  const api = await HttpConnection.open(cluster.apis[0]?.port as number);
  const request = await postRequest(personId, channelId, text);
  const [first] = cluster.projectors;
  first?.process.kill('SIGKILL');
  const killedAt = performance.now();
  const { body } = await api.send(request);
  const { position } = JSON.parse(body) as { position: string };
  const headers = { authorization: await authorizationOf(personId), 'parley-position': position };
  const url = `http://127.0.0.1:${cluster.apis[0]?.port}/api/v1/channels/${channelId}/messages?limit=1`;
  while ((await fetch(url, { headers })).status !== 200) await sleep(20);
  const seconds = (performance.now() - killedAt) / 1_000;
  report({ bench, metric: 'projector-takeover', value: seconds, unit: 's', goal: atMost(10) });
  api.close();
}

await inTemporaryDirectory(async (directory) => {
  const people = await enrolIn(directory, subscribers / socketsOfPerson);
  const [owner = ''] = people;
  const broker = await startNats();
  try {
    const cluster = await startCluster(directory, broker);
    try {
      const api = await ParleyApi.open(cluster.apis[0]?.port as number);
      const channelId = await api.createChannel(owner);
      for (const personId of people.slice(1)) await api.joinChannel(personId, channelId);
      api.close();
      await measureLatency(cluster, owner, channelId);
      await measureResumption(cluster, people, channelId);
      await measureTakeover(cluster, owner, channelId);
    } finally {
      await cluster.stop();
    }
  } finally {
    await broker.stop();
  }
});
