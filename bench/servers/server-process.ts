import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { nodeOn } from '../measure/pinning.js';

export interface ServerOptions {
  /** Path of the program. */
  readonly program: string;
  readonly arguments?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly directory?: string;
  /** What the line begins with by which it says that it is ready. */
  readonly ready: string;
  /** On any core, and on several at once: for what a server does beside its event loop. */
  readonly unpinned?: boolean;
}

/** Linux counts CPU time in hundredths of a second (USER_HZ). */
const ticksPerSecond = 100;
const readyMs = 60_000;

/** Where servers leave a CPU profile when they end, if anywhere. */
const profiles = process.env.PARLEY_BENCH_PROFILES;
const profiling = profiles ? ['--cpu-prof', '--cpu-prof-interval=250', `--cpu-prof-dir=${profiles}`] : [];

/** None outlives this process, however it ends. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** A program on the servers' core, in a process of its own, so that its CPU time and memory can be told. */
export class ServerProcess {
  private constructor(
    private readonly child: ChildProcess,
    /** From its start until it said that it was ready, in ms. */
    readonly readyAfter: number,
    /** The line that said so. */
    readonly announcement: string,
  ) {}

  static async start(options: ServerOptions): Promise<ServerProcess> {
    const [command, ...arguments_] = options.unpinned ? ([process.execPath] as const) : nodeOn('server');
    const start = performance.now();
    const child = spawn(command, [...arguments_, ...profiling, options.program, ...(options.arguments ?? [])], {
      cwd: options.directory,
      env: { ...process.env, ...options.environment },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    running.add(child);
    child.once('exit', () => running.delete(child));
    try {
      const announcement = await readyLine(child, options.ready);
      return new ServerProcess(child, performance.now() - start, announcement);
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    }
  }

  /** Sends a signal, and does not wait for what it does. */
  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** CPU time of all its threads, in user and kernel mode, in seconds. */
  async cpuSeconds(): Promise<number> {
    const stat = await readFile(`/proc/${this.child.pid}/stat`, 'utf8');
    // The second field is the program's name, in brackets; it may hold spaces.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
  }

  /** Resident set size. */
  async residentBytes(): Promise<number> {
    const status = await readFile(`/proc/${this.child.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1_024;
  }

  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.kill(signal);
    await exited;
  }
}

async function readyLine(child: ChildProcess, beginning: string): Promise<string> {
  const timeout = setTimeout(() => child.kill('SIGKILL'), readyMs);
  try {
    for await (const line of createInterface({ input: child.stdout as NonNullable<typeof child.stdout> })) {
      if (line.startsWith(beginning)) {
        child.stdout?.resume();
        return line;
      }
    }
    throw new Error(`${child.spawnargs.join(' ')} has ended, or was not ready within ${readyMs} ms`);
  } finally {
    clearTimeout(timeout);
  }
}
