import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type Core, canPin, nodeOn } from './measure/pinning.js';

/**
 * `npm run bench [NAME…]`: runs the programs that measure what is named, or all, one after the other. With
 * `PARLEY_BENCH_PROFILES=<directory>`, each server leaves a CPU profile there.
 */

interface Program {
  readonly file: string;
  /** That of servers, where the program itself does what is measured. */
  readonly core: Core;
  readonly benches: readonly string[];
}

const programs: readonly Program[] = [
  { file: 'post', core: 'load', benches: ['post-http', 'post-socket'] },
  { file: 'fan-out', core: 'load', benches: ['fan-out'] },
  { file: 'history', core: 'server', benches: ['import', 'rebuild'] },
  { file: 'large-channel', core: 'load', benches: ['large-channel'] },
  { file: 'footprint', core: 'load', benches: ['footprint'] },
  { file: 'distributed', core: 'load', benches: ['distributed'] },
  { file: 'sealing', core: 'server', benches: ['sealing'] },
  { file: 'token-check', core: 'server', benches: ['token-check'] },
  { file: 'wrong-logins', core: 'load', benches: ['wrong-logins'] },
  { file: 'passwords', core: 'server', benches: ['passwords'] },
];

/** @throws {Error} if one of the names is unknown */
function chosen(names: readonly string[]): readonly Program[] {
  const known = programs.flatMap(({ benches }) => benches);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new Error(`there is no ${unknown.join(', ')}; there are ${known.join(', ')}`);
  return names.length === 0 ? programs : programs.filter(({ benches }) => benches.some((name) => names.includes(name)));
}

/** @returns whether it came to its end: figures that miss their goals are told, and are no failure of the program */
async function run({ file, core }: Program): Promise<boolean> {
  const [command, ...arguments_] = nodeOn(core);
  const program = fileURLToPath(new URL(`programs/${file}.js`, import.meta.url));
  const child = spawn(command, [...arguments_, program], { stdio: 'inherit' });
  const end = () => {
    child.kill('SIGTERM');
    process.exit(130);
  };
  process.once('SIGTERM', end);
  const [code] = await once(child, 'exit');
  process.off('SIGTERM', end);
  return code === 0;
}

if (!canPin) process.stderr.write('bench: can not bind processes to cores here, so server and load share them\n');
try {
  for (const program of chosen(process.argv.slice(2))) {
    if (!(await run(program))) process.exitCode = 1;
  }
} catch (error) {
  process.stderr.write(`bench: ${(error as Error).message}\n`);
  process.exitCode = 2;
}
