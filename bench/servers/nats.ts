import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.js';

const goBinaries = process.env.GOBIN || join(process.env.GOPATH || join(homedir(), 'go'), 'bin');

/** A NATS server of this machine. */
export interface NatsServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** @throws {Error} if there is no program `nats-server` */
export async function startNats(): Promise<NatsServer> {
  const port = await freePort();
  const child = spawn('nats-server', ['--addr', '127.0.0.1', '--port', String(port)], {
    stdio: 'ignore',
    env: { ...process.env, PATH: `${process.env.PATH}${delimiter}${goBinaries}` },
  });
  const exited = once(child, 'exit');
  await Promise.race([listening(port), once(child, 'error').then(([error]) => Promise.reject(error as Error))]);
  return {
    url: `nats://127.0.0.1:${port}`,
    async stop() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

async function listening(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const isOpen = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (isOpen) return;
    await sleep(20);
  }
}
