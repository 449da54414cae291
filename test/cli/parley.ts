import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';

const program = fileURLToPath(new URL('../../dist/src/cli/parley.js', import.meta.url));

export interface Run {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command line over a data directory of its own, built as it is shipped. */
export class CommandLine {
  private constructor(
    readonly directory: string,
    private readonly settings: NodeJS.ProcessEnv,
  ) {}

  static async open(settings: NodeJS.ProcessEnv = {}): Promise<CommandLine> {
    return new CommandLine(await temporaryDirectory(), settings);
  }

  get dataDirectory(): string {
    return join(this.directory, 'data');
  }

  /** @returns the path */
  async write(name: string, content: string): Promise<string> {
    const path = join(this.directory, name);
    await writeFile(path, content);
    return path;
  }

  start(...commandLine: readonly string[]): ChildProcess {
    // Port 1 is nobody's: no server of this machine is to be asked.
    const settings = { NODE_ENV: 'test', PARLEY_DATA_DIR: this.dataDirectory, PORT: '1', LOG_LEVEL: 'warn' };
    return spawn(process.execPath, [program, ...commandLine], {
      cwd: this.directory,
      env: { ...process.env, ...settings, ...this.settings },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  run(...commandLine: readonly string[]): Promise<Run> {
    return ended(this.start(...commandLine));
  }

  /** Runs a command with `--json`. */
  async json<T>(...commandLine: readonly string[]): Promise<{ exitCode: number | null; result: T }> {
    const { exitCode, stdout, stderr } = await this.run(...commandLine, '--json');
    if (stderr !== '') throw new Error(stderr);
    return { exitCode, result: JSON.parse(stdout) as T };
  }
}

/** What a process has printed, once it has ended. */
export async function ended(child: ChildProcess): Promise<Run> {
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [exitCode] = (await once(child, 'close')) as [number | null];
  return { exitCode, stdout, stderr };
}
