import { fileURLToPath } from 'node:url';
import { HttpLoad } from '../load/http-load.js';
import { ParleyApi, postRequest } from '../load/parley-api.js';
import { issueCommands } from '../load/socket-commands.js';
import { closeAll, openEdgeSocket } from '../load/web-sockets.js';
import { enrolIn } from '../logs/people.js';
import { busyOf, cpuOf, type Effort, effortOf, rateOf } from '../measure/effort.js';
import { atLeast, report } from '../measure/report.js';
import { inTurns, medianOf } from '../measure/rounds.js';
import { inTemporaryDirectory } from '../measure/temporary-directory.js';
import { type ParleyServer, startParley } from '../servers/parley.js';
import { ServerProcess } from '../servers/server-process.js';

/**
 * PostMessage, authenticated, durable and sealed, until the read models have it: over HTTP against a bare Fastify route
 * that echoes the same body, and over sockets against HTTP.
 */

const connections = 64;
const channels = 16;
const warmUps = 3;
const rounds = 5;
const httpMs = 2_000;
/** What the edge takes of a socket at once. */
const commandsOfSocket = 200;
const outstandingOfSocket = 8;
const text = 'Does anybody know how to mount a USB stick without being root?';

interface Poster {
  readonly personId: string;
  readonly channelId: string;
}

async function makePosters(people: readonly string[], api: ParleyApi): Promise<Poster[]> {
  const posters: Poster[] = [];
  for (const [index, personId] of people.entries()) {
    const channelId = posters[index - channels]?.channelId ?? (await api.createChannel(personId));
    if (index >= channels) await api.joinChannel(personId, channelId);
    posters.push({ personId, channelId });
  }
  return posters;
}

/** Posts over HTTP until the time is over and the read models have them. */
async function postOverHttp(load: HttpLoad, api: ParleyApi): Promise<number> {
  const { answered } = await load.run(httpMs);
  await api.projected();
  return answered;
}

/** Takes new sockets each time, since the edge bounds how much one may ask for. */
async function postOverSockets(parley: ParleyServer, posters: readonly Poster[], api: ParleyApi): Promise<Effort> {
  const sockets = await Promise.all(posters.map(({ personId }) => openEdgeSocket(parley.edgePort, personId)));
  const bounds = { count: commandsOfSocket, outstanding: outstandingOfSocket };
  const effort = await effortOf(parley.process, async () => {
    const posted = sockets.map((socket, index) => {
      const { channelId } = posters[index] as Poster;
      return issueCommands(socket, 'conversations.PostMessage', { channelId, text }, bounds);
    });
    await Promise.all(posted);
    await api.projected();
    return sockets.length * commandsOfSocket;
  });
  await closeAll(sockets);
  return effort;
}

async function measure(parley: ParleyServer, people: readonly string[], echo: ServerProcess): Promise<void> {
  const api = await ParleyApi.open(parley.port);
  const posters = await makePosters(people, api);
  const requests = await Promise.all(posters.map(({ personId, channelId }) => postRequest(personId, channelId, text)));
  const echoLoad = await HttpLoad.open(Number(echo.announcement.split(' ')[1]), requests, 200);
  const parleyLoad = await HttpLoad.open(parley.port, requests, 201);
  const efforts = await inTurns(
    { warmUps, rounds },
    {
      echo: () => effortOf(echo, async () => (await echoLoad.run(httpMs)).answered),
      http: () => effortOf(parley.process, () => postOverHttp(parleyLoad, api)),
      socket: () => postOverSockets(parley, posters, api),
    },
  );
  for (const load of [echoLoad, parleyLoad]) load.close();
  api.close();
  reportRates(efforts);
}

function reportRates(efforts: readonly Record<'echo' | 'http' | 'socket', Effort>[]): void {
  const of = (figure: (effort: Effort) => number, way: 'echo' | 'http' | 'socket') =>
    medianOf(efforts, (effort) => figure(effort[way]));
  const http = { bench: 'post-http' };
  report({ ...http, metric: 'echo-rate', value: of(rateOf, 'echo'), unit: '1/s' });
  report({ ...http, metric: 'echo-busy', value: of(busyOf, 'echo'), unit: 'cores', goal: atLeast(0.9) });
  report({ ...http, metric: 'echo-cpu', value: of(cpuOf, 'echo'), unit: 'us' });
  report({ ...http, metric: 'post-rate', value: of(rateOf, 'http'), unit: '1/s' });
  report({ ...http, metric: 'post-cpu', value: of(cpuOf, 'http'), unit: 'us' });
  const httpRatio = medianOf(efforts, ({ http, echo }) => rateOf(http) / rateOf(echo));
  report({ ...http, metric: 'post-to-echo', value: httpRatio, unit: 'ratio', goal: atLeast(0.25) });
  const socket = { bench: 'post-socket' };
  report({ ...socket, metric: 'post-rate', value: of(rateOf, 'socket'), unit: '1/s' });
  report({ ...socket, metric: 'post-cpu', value: of(cpuOf, 'socket'), unit: 'us' });
  const socketRatio = medianOf(efforts, ({ socket, http }) => rateOf(socket) / rateOf(http));
  report({ ...socket, metric: 'socket-to-http', value: socketRatio, unit: 'ratio', goal: atLeast(1.5) });
}

await inTemporaryDirectory(async (directory) => {
  const echo = await ServerProcess.start({
    program: fileURLToPath(new URL('../servers/bare-fastify.js', import.meta.url)),
    ready: 'ready',
  });
  try {
    const people = await enrolIn(directory, connections);
    const parley = await startParley(directory);
    await measure(parley, people, echo).finally(() => parley.process.stop());
  } finally {
    await echo.stop();
  }
});
