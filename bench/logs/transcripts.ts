import { readdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { seededRandom } from '../measure/seeded-random.js';

/** Real transcripts, where they are: `PARLEY_BENCH_TRANSCRIPTS` names another directory. */
const realDirectory = resolve(process.env.PARLEY_BENCH_TRANSCRIPTS ?? '../shared/data/ubuntu-irc');

export interface Transcripts {
  readonly files: readonly string[];
  readonly real: boolean;
}

/** The real transcripts, else made ones in a directory given for them. */
export async function findTranscripts(directoryForMade: string): Promise<Transcripts> {
  const names = await readdir(realDirectory).catch(() => []);
  const files = names.filter((name) => name.endsWith('.txt')).map((name) => join(realDirectory, name));
  return files.length > 0 ? { files, real: true } : { files: await makeTranscripts(directoryForMade), real: false };
}

const days = 60;
const linesOfDay = 2_000;
const words = 'the a my in on does not work anybody know how mount disk sound driver kernel try apt sudo reboot'.split(
  ' ',
);

/** As many people, joins and short messages as a busy channel has; the same each time. */
async function makeTranscripts(directory: string): Promise<string[]> {
  const random = seededRandom(1);
  const files: string[] = [];
  for (let day = 0; day < days; day += 1) {
    const date = new Date(Date.UTC(2010, 0, 1 + day)).toISOString().slice(0, 10);
    const file = join(directory, `${date}.txt`);
    await writeFile(file, Array.from({ length: linesOfDay }, (_, line) => makeLine(line, random)).join(''));
    files.push(file);
  }
  return files;
}

function makeLine(line: number, random: () => number): string {
  const nick = `person${Math.floor(random() ** 3 * 5_000)}`;
  if (random() < 0.1) return `=== ${nick} [~${nick}@example.org]  has joined #made\n`;
  if (random() < 0.1) return `=== ${nick} [~${nick}@example.org]  has left #made []\n`;
  const minutes = Math.floor((line / linesOfDay) * 24 * 60);
  const time = [Math.floor(minutes / 60), minutes % 60].map((part) => String(part).padStart(2, '0')).join(':');
  const text = Array.from({ length: 4 + Math.floor(random() * 16) }, () => words[Math.floor(random() * words.length)]);
  return `[${time}] <${nick}> ${text.join(' ')}\n`;
}
