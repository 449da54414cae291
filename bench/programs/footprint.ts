import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WebSocket } from 'ws';
import { ParleyApi } from '../load/parley-api.js';
import { closeAll, openEdgeSocket, untilMessage } from '../load/web-sockets.js';
import { enrolIn } from '../logs/people.js';
import { atMost, report } from '../measure/report.js';
import { median } from '../measure/rounds.js';
import { inTemporaryDirectory } from '../measure/temporary-directory.js';
import { type ParleyServer, startParley } from '../servers/parley.js';

/** How soon the server is ready, and how much memory it takes: idle, and for each subscriber that only listens. */

const bench = 'footprint';
const starts = 5;
/** Sockets that are there before those that are counted: they have paid for what is needed once. */
const firstSockets = 1_000;
const moreSockets = 4_000;
/** Of a person; the edge allows 20. */
const socketsOfPerson = 20;
/** So long, V8 has collected what became garbage before. */
const settleMs = 10_000;

async function measureStart(directory: string): Promise<void> {
  const times: number[] = [];
  for (let start = 0; start < starts; start += 1) {
    // The first one makes the data directory, the others find it.
    const { process: server } = await startParley(join(directory, 'started'));
    times.push(server.readyAfter);
    await server.stop();
  }
  report({ bench, metric: 'first-start', value: times[0] as number, unit: 'ms', goal: atMost(1_500) });
  report({ bench, metric: 'start', value: median(times.slice(1)), unit: 'ms', goal: atMost(1_500) });
}

async function residentAfterSettling({ process: server }: ParleyServer): Promise<number> {
  await sleep(settleMs);
  return server.residentBytes();
}

/** Subscribers of one channel. */
async function openSubscribers(
  parley: ParleyServer,
  channelId: string,
  people: readonly string[],
): Promise<WebSocket[]> {
  const api = await ParleyApi.open(parley.port);
  const subscription = JSON.stringify({ op: 'subscribe', feed: `channel-${channelId}` });
  const sockets: WebSocket[] = [];
  for (const personId of people) {
    await api.joinChannel(personId, channelId);
    for (let socketOfPerson = 0; socketOfPerson < socketsOfPerson; socketOfPerson += 1) {
      const socket = await openEdgeSocket(parley.edgePort, personId);
      socket.send(subscription);
      await untilMessage(socket, '{"op":"subscribed"');
      sockets.push(socket);
    }
  }
  api.close();
  return sockets;
}

async function measureMemory(parley: ParleyServer, [owner = '', ...people]: readonly string[]): Promise<void> {
  const first = firstSockets / socketsOfPerson;
  const idle = await residentAfterSettling(parley);
  report({ bench, metric: 'idle-memory', value: idle / 1_048_576, unit: 'MiB', goal: atMost(150) });
  const api = await ParleyApi.open(parley.port);
  const channelId = await api.createChannel(owner);
  api.close();
  const sockets = await openSubscribers(parley, channelId, people.slice(0, first));
  const before = await residentAfterSettling(parley);
  sockets.push(...(await openSubscribers(parley, channelId, people.slice(first))));
  const after = await residentAfterSettling(parley);
  await closeAll(sockets);
  const value = (after - before) / moreSockets / 1_024;
  report({ bench, metric: 'subscriber-memory', value, unit: 'KiB', goal: atMost(4) });
}

await inTemporaryDirectory(async (directory) => {
  await measureStart(directory);
  const data = join(directory, 'idle');
  await mkdir(data);
  const people = await enrolIn(data, 1 + (firstSockets + moreSockets) / socketsOfPerson);
  const parley = await startParley(data);
  await measureMemory(parley, people).finally(() => parley.process.stop());
});
