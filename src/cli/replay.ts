import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { type Command, InvalidArgumentError } from 'commander';
import type { BareFrame, Frame } from '../../domain/frame.js';
import { instant } from '../../domain/ids.js';
import { Names } from '../history/names.js';
import { NoSuchFeed, type ReplayBound, replayFeed } from '../history/replay.js';
import { type Data, withData } from './data.js';
import { exitCodes } from './exit-codes.js';
import { interruption } from './interruption.js';
import { endWhenUnread } from './output.js';
import { namesIn, readableLine } from './replay-line.js';

interface ReplayOptions {
  readonly from?: ReplayBound;
  readonly to?: ReplayBound;
  readonly as?: string;
  readonly speed?: number;
  readonly json?: boolean;
}

/** Longest pause between two frames at `--speed`, in ms: an imported channel may have been silent for months. */
const longestPause = 5_000;

export function addReplay(program: Command): void {
  program
    .command('replay <feed>')
    .description('print what a feed such as channel-… showed: readable on a terminal, else as JSON lines')
    .option('--from <bound>', 'first revision, or a time such as 2030-01-31T09:30:00Z', parseBound)
    .option('--to <bound>', 'last revision, or a time', parseBound)
    .option('--as <person>', 'only what the person with this id may see')
    .option('--speed <factor>', 'as fast as it happened, times this factor', parseSpeed)
    .option('--json', 'JSON lines also on a terminal')
    .action(async (feed: string, options: ReplayOptions, command: Command) => {
      endWhenUnread();
      try {
        process.exitCode = await withData((data) => replay(data, feed, options));
      } catch (error) {
        if (error instanceof NoSuchFeed) command.error(`parley: ${error.message}`);
        throw error;
      }
    });
}

function parseBound(text: string): ReplayBound {
  if (/^\d{1,15}$/.test(text)) return { revision: Number(text) };
  const at = instant.safeParse(text);
  if (at.success) return { at: Date.parse(at.data) };
  throw new InvalidArgumentError(`It must be a revision, or a time such as 2030-01-31T09:30:00Z.`);
}

function parseSpeed(text: string): number {
  const speed = Number(text);
  if (speed > 0 && Number.isFinite(speed)) return speed;
  throw new InvalidArgumentError('It must be a number over 0, such as 60.');
}

async function replay(data: Data, feed: string, { speed, json, ...range }: ReplayOptions): Promise<number> {
  const signal = interruption();
  const names = new Names(data.eventStore, data.codec);
  const readable = process.stdout.isTTY && !json;
  const pause = pauses(speed, signal);
  for await (const frame of replayFeed({ ...data, feed, ...range })) {
    await pause(frame);
    if (signal.aborted) return exitCodes.interrupted;
    const named = await namesIn(frame, names);
    await write(readable ? readableLine(frame, named) : JSON.stringify({ ...frame, names: named }));
  }
  return exitCodes.done;
}

/** Waits before a frame as long as it came after the one before. */
function pauses(speed: number | undefined, signal: AbortSignal): (frame: Frame | BareFrame) => Promise<void> {
  let before: number | undefined;
  return async (frame) => {
    if (speed === undefined || !('at' in frame)) return;
    const at = Date.parse(frame.at);
    const wait = Math.min((at - (before ?? at)) / speed, longestPause);
    before = at;
    if (wait > 0) await delay(wait, undefined, { signal }).catch(() => {});
  };
}

async function write(line: string): Promise<void> {
  if (!process.stdout.write(`${line}\n`)) await once(process.stdout, 'drain');
}
