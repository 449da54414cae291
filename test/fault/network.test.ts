import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Random } from '../fixtures/random.js';
import { type Place, TcpProxy } from '../fixtures/tcp-proxy.js';
import { FaultyDelivery } from './faulty-delivery.js';
import { NatsMessages } from './nats-messages.js';

/** What breaks the network in other tests does break it, and mends it. */

/** A server that greets, and sends back what it gets. */
async function startEcho(): Promise<Place> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    socket.write('hello ');
    socket.pipe(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
}

class Client {
  text = '';
  ended: string | undefined;
  readonly socket: Socket;

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('data', (data) => {
      this.text += data;
    });
    this.socket.on('end', () => {
      this.ended = 'end';
    });
    this.socket.on('error', (error: NodeJS.ErrnoException) => {
      this.ended = error.code;
    });
    onTestFinished(() => void this.socket.destroy());
  }

  async say(text: string): Promise<void> {
    this.socket.write(text);
    await vi.waitUntil(() => this.text.endsWith(text), { timeout: 20_000 });
  }
}

/** Long enough for whatever could come to have come. */
const aWhile = () => delay(100);

describe('a proxy', () => {
  async function setUp() {
    const proxy = await TcpProxy.to(await startEcho());
    onTestFinished(() => proxy.close());
    const client = new Client(proxy.port);
    await vi.waitUntil(() => client.text === 'hello ', { timeout: 20_000 });
    return { proxy, client };
  }

  it('carries what both sides say, whoever speaks first', async () => {
    const { client } = await setUp();
    await client.say('x'.repeat(1_000_000));
    expect(client.text).toBe(`hello ${'x'.repeat(1_000_000)}`);
  });

  it('frozen, carries nothing, of new connections either, and once thawed all of it', async () => {
    const { proxy, client } = await setUp();
    proxy.freeze();
    client.socket.write('one');
    const later = new Client(proxy.port);
    await once(later.socket, 'connect');
    await aWhile();
    expect([client.text, later.text, client.ended]).toEqual(['hello ', '', undefined]);
    proxy.thaw();
    await vi.waitUntil(() => client.text === 'hello one' && later.text === 'hello ', { timeout: 20_000 });
  });

  it('has connections hang, so that nobody hears of the end either, until it heals', async () => {
    const { proxy, client } = await setUp();
    proxy.hang();
    client.socket.write('lost');
    await aWhile();
    expect([client.text, client.ended]).toEqual(['hello ', undefined]);
    await new Client(proxy.port).say('another');
    proxy.heal();
    await vi.waitUntil(() => client.ended === 'ECONNRESET', { timeout: 20_000 });
    expect(client.text).toBe('hello ');
  });

  it('cuts connections with a farewell, or resets them without one', async () => {
    const { proxy, client } = await setUp();
    const other = new Client(proxy.port);
    await other.say('here');
    proxy.cut();
    await vi.waitUntil(() => client.ended === 'end' && other.ended === 'end', { timeout: 20_000 });
    const third = new Client(proxy.port);
    await third.say('here');
    proxy.reset();
    await vi.waitUntil(() => third.ended === 'ECONNRESET', { timeout: 20_000 });
  });

  it('holds up what it carries', async () => {
    const { proxy, client } = await setUp();
    let heldUp = 0;
    proxy.slow((bytes) => {
      heldUp += bytes;
      return 5;
    });
    await client.say('slow');
    expect(heldUp).toBe(8);
    proxy.heal();
    await client.say('fast');
    expect(heldUp).toBe(8);
  });
});

const message = (subject: string, payload: string) =>
  Buffer.from(`MSG ${subject} 1 ${payload.length}\r\n${payload}\r\n`);

describe('messages of NATS', () => {
  const stream = [
    'INFO {"a":1}\r\n',
    'PING\r\n',
    `${message('p.feed.a', 'x\r\nPING\r\n')}`,
    'MSG p.ask 2 p.answers.1 3\r\nabc\r\n',
    'HMSG p.feed.b 1 12 14\r\nNATS/1.0\r\n\r\nhi\r\n',
    '+OK\r\n',
  ];

  it.each([1, 3, 1_000])('are told apart where they come in pieces of %i', (size) => {
    const all = Buffer.from(stream.join(''));
    const messages = new NatsMessages();
    const found = [];
    for (let at = 0; at < all.length; at += size) found.push(...messages.take(all.subarray(at, at + size)));
    expect(found.map(({ subject, bytes }) => [subject, bytes.toString()])).toEqual(
      stream.map((text) => [/^H?MSG (\S+)/.exec(text)?.[1], text]),
    );
  });

  it('come never, twice and later while delivery is faulty, but for questions; then as they are sent', () => {
    const delivery = new FaultyDelivery(new Random(1));
    const alter = delivery.alteration();
    const numbers = (bytes: Buffer) =>
      new NatsMessages().take(bytes).map(({ bytes: each }) => Number(each.toString().split('\r\n')[1]));
    const send = (subject: string, from: number) =>
      numbers(Buffer.concat(Array.from({ length: 1_000 }, (_, n) => alter(message(subject, String(from + n))))));
    const inOrder = (from: number) => Array.from({ length: 1_000 }, (_, n) => from + n);

    expect(send('p.feed.a', 0)).toEqual(inOrder(0));
    delivery.faulty = true;
    const came = send('p.feed.a', 1_000);
    const counts = inOrder(1_000).map((n) => came.filter((each) => each === n).length);
    expect(new Set(counts)).toEqual(new Set([0, 1, 2]));
    expect(came.some((n, index) => n < (came[index - 1] ?? 0))).toBe(true);
    expect(send('p.commands', 2_000).filter((n) => n >= 2_000)).toEqual(inOrder(2_000));
    delivery.faulty = false;
    expect(send('p.feed.a', 3_000).filter((n) => n >= 3_000)).toEqual(inOrder(3_000));
  });
});
