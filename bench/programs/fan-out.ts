import { fileURLToPath } from 'node:url';
import type { WebSocket } from 'ws';
import { Audience, beginsWith } from '../load/audience.js';
import { HttpLoad } from '../load/http-load.js';
import { ParleyApi, postRequest } from '../load/parley-api.js';
import { follow, makeSchedule } from '../load/schedule.js';
import { closeAll, openEdgeSocket, openWebSocket, untilMessage } from '../load/web-sockets.js';
import { enrolIn } from '../logs/people.js';
import { cpuOf, type Effort, effortOf } from '../measure/effort.js';
import { atLeast, report } from '../measure/report.js';
import { inTurns, medianOf } from '../measure/rounds.js';
import { inTemporaryDirectory } from '../measure/temporary-directory.js';
import { startParley } from '../servers/parley.js';
import { ServerProcess } from '../servers/server-process.js';

/**
 * One channel with many followers: CPU time for each frame delivered, from the message that a socket sends, through the
 * pipeline, log, relay and edge, against the same frames at the same times through uWebSockets.js and Socket.IO alone.
 *
 * Messages come in small bursts, one from each publisher, at a hundred a second altogether: as when many answer the same
 * thing. One by one, nearly all of the cost is a system call for each delivery, and uWebSockets.js itself takes more than
 * a third of what Socket.IO does; so that schedule can't tell the two apart as far as the goals ask.
 */

const rounds = 3;
const followers = 500;
/** Several, since the edge bounds what one socket may ask for. */
const publishers = 8;
const schedule = makeSchedule(100 / publishers, publishers, 5);
const warmUpConnections = 16;
const warmUpMs = 8_000;
/** With it, a frame is as short as a frame of a message gets: names and ids take the most of it. */
const text = 'ok';

interface FanOut {
  readonly server: ServerProcess;
  readonly audience: Audience;
  readonly publishers: readonly WebSocket[];
  /** The message by which a publisher has the frame sent to everybody. */
  readonly publication: string;
}

async function run({ server, audience, publishers, publication }: FanOut): Promise<Effort> {
  return effortOf(server, async () => {
    const expected = audience.received + schedule.length * audience.sockets.length;
    await follow(schedule, (index) => publishers[index % publishers.length]?.send(publication));
    await audience.waitFor(expected);
    return schedule.length * audience.sockets.length;
  });
}

/** One after the other, as a crowd that gathers. */
async function openSockets(count: number, open: (index: number) => Promise<WebSocket>): Promise<WebSocket[]> {
  const sockets: WebSocket[] = [];
  for (let index = 0; index < count; index += 1) sockets.push(await open(index));
  return sockets;
}

/** Posts into a channel of its own, until the code of the whole path is compiled: the schedule would take minutes. */
async function warmUp(port: number, personId: string, api: ParleyApi): Promise<void> {
  const request = await postRequest(personId, await api.createChannel(personId), text);
  const load = await HttpLoad.open(port, Array<Buffer>(warmUpConnections).fill(request), 201);
  await load.run(warmUpMs);
  load.close();
  await api.projected();
}

async function throughParley(dataDirectory: string): Promise<FanOut> {
  const [poster = '', owner = '', ...people] = await enrolIn(dataDirectory, followers + 2);
  const { process: server, port, edgePort } = await startParley(dataDirectory);
  const api = await ParleyApi.open(port);
  await warmUp(port, poster, api);
  const channelId = await api.createChannel(owner);
  const sockets = await openSockets(followers, async (index) => {
    const personId = people[index] as string;
    await api.joinChannel(personId, channelId);
    const socket = await openEdgeSocket(edgePort, personId);
    socket.send(JSON.stringify({ op: 'subscribe', feed: `channel-${channelId}` }));
    await untilMessage(socket, '{"op":"subscribed"');
    return socket;
  });
  api.close();
  return {
    server,
    audience: new Audience(sockets, beginsWith('{"op":"event"')),
    publishers: await openSockets(publishers, () => openEdgeSocket(edgePort, owner)),
    publication: JSON.stringify({
      op: 'command',
      id: '1',
      type: 'conversations.PostMessage',
      input: { channelId, text },
    }),
  };
}

function startRival(name: string): Promise<ServerProcess> {
  return ServerProcess.start({
    program: fileURLToPath(new URL(`../servers/${name}.js`, import.meta.url)),
    ready: 'ready',
  });
}

async function throughUws(frame: string): Promise<FanOut> {
  const server = await startRival('bare-uws');
  const url = `ws://127.0.0.1:${server.announcement.split(' ')[1]}`;
  return {
    server,
    audience: new Audience(await openSockets(followers, () => openWebSocket(`${url}/subscribe`)), () => true),
    publishers: await openSockets(publishers, () => openWebSocket(`${url}/publish`)),
    publication: frame,
  };
}

async function throughSocketIo(frame: string): Promise<FanOut> {
  const server = await startRival('socket-io');
  const url = `ws://127.0.0.1:${server.announcement.split(' ')[1]}/socket.io/?EIO=4&transport=websocket`;
  return {
    server,
    audience: new Audience(
      await openSockets(followers, () => openSocketIo(url, '42["subscribe"]')),
      beginsWith('42["frame"'),
    ),
    publishers: await openSockets(publishers, () => openSocketIo(url)),
    publication: `42["publish",${frame}]`,
  };
}

/** Speaks Engine.IO 4 and Socket.IO 5: connects to the namespace, and answers pings. */
async function openSocketIo(url: string, ...greetings: string[]): Promise<WebSocket> {
  const socket = await openWebSocket(url);
  socket.on('message', (data: Buffer) => {
    if (data.toString('latin1', 0, 1) === '2') socket.send('3');
  });
  socket.send('40');
  await untilMessage(socket, '40');
  for (const greeting of greetings) socket.send(greeting);
  return socket;
}

function reportCpu(frame: string, efforts: readonly Record<'parley' | 'uws' | 'socketIo', Effort>[]): void {
  const bench = 'fan-out';
  report({ bench, metric: 'frame-size', value: Buffer.byteLength(frame), unit: 'bytes' });
  for (const way of ['parley', 'uws', 'socketIo'] as const) {
    const value = medianOf(efforts, (round) => cpuOf(round[way]));
    report({ bench, metric: `cpu-${way === 'socketIo' ? 'socket.io' : way}`, value, unit: 'us' });
  }
  const toUws = medianOf(efforts, ({ parley, uws }) => cpuOf(uws) / cpuOf(parley));
  report({ bench, metric: 'parley-to-uws', value: toUws, unit: 'ratio', goal: atLeast(0.8) });
  const toSocketIo = medianOf(efforts, ({ parley, socketIo }) => cpuOf(socketIo) / cpuOf(parley));
  report({ bench, metric: 'parley-to-socket.io', value: toSocketIo, unit: 'ratio', goal: atLeast(3) });
}

await inTemporaryDirectory(async (directory) => {
  const opened: FanOut[] = [];
  const opening = async (fanOut: Promise<FanOut>) => {
    opened.push(await fanOut);
    return fanOut;
  };
  try {
    const parley = await opening(throughParley(directory));
    await run(parley);
    const { frame } = parley.audience;
    const uws = await opening(throughUws(frame));
    const socketIo = await opening(throughSocketIo(frame));
    const efforts = await inTurns(
      { rounds },
      {
        parley: () => run(parley),
        uws: () => run(uws),
        socketIo: () => run(socketIo),
      },
    );
    reportCpu(frame, efforts);
  } finally {
    for (const { server, audience, publishers } of opened) {
      await closeAll([...audience.sockets, ...publishers]);
      await server.stop();
    }
  }
});
