import { createHmac } from 'node:crypto';
import { basename } from 'node:path';
import { TranscriptClock } from './clock.js';
import { type LineContent, parseLine } from './line.js';
import { type TextLine, textLines } from './text-lines.js';

export interface TranscriptLine {
  /** From 1. */
  readonly number: number;
  /** When it was written, in ms since 1970; a line without a time has that of the line before. */
  readonly at: number;
  readonly content: LineContent | { readonly kind: 'unread'; readonly reason: 'line-too-long' };
  readonly isUtf8: boolean;
  readonly bytes: number;
}

/** A file can't be imported; the message names it and says why. */
export class UnreadableTranscript extends Error {}

/** A day of a channel's log, in a file that its date begins the name of: `2004-11-15_03.txt`. Times are taken as UTC. */
export class Transcript {
  private constructor(
    readonly path: string,
    /**
     * Names the transcript in the channel's stream: the file's name and a digest of its first line, since another
     * directory may hold another channel's file of the same name and day. A log that has grown stays the same one. The
     * digest is made under a secret key, so that nobody can guess the line from it.
     */
    readonly source: string,
    private readonly startOfDay: number,
  ) {}

  /**
   * @param key - makes the digest of the first line
   * @throws {UnreadableTranscript}
   */
  static async open(path: string, key: Buffer): Promise<Transcript> {
    const name = basename(path);
    const startOfDay = dateOf(name);
    if (startOfDay === undefined) {
      throw new UnreadableTranscript(`${path}: its name must begin with its date, such as 2004-11-15.txt.`);
    }
    const digest = createHmac('sha256', key)
      .update(`transcript:${await firstLine(path)}`)
      .digest('hex')
      .slice(0, 16);
    return new Transcript(path, `${name.slice(0, 150)} ${digest}`, startOfDay);
  }

  async *lines(): AsyncGenerator<TranscriptLine, void, undefined> {
    const clock = new TranscriptClock(this.startOfDay);
    for await (const line of textLines(this.path)) yield read(line, clock);
  }
}

function read({ number, text, isUtf8, bytes }: TextLine, clock: TranscriptClock): TranscriptLine {
  if (text === undefined) {
    return { number, at: clock.now, content: { kind: 'unread', reason: 'line-too-long' }, isUtf8, bytes };
  }
  const { minute, content } = parseLine(text);
  if (minute !== undefined) clock.read(minute);
  return { number, at: clock.now, content, isUtf8, bytes };
}

/** Midnight of the date that a file's name begins with, in ms since 1970. */
function dateOf(name: string): number | undefined {
  const date = /^\d{4}-\d\d-\d\d(?!\d)/.exec(name)?.[0];
  const start = Date.parse(`${date}T00:00:00Z`);
  return Number.isNaN(start) || new Date(start).toISOString().slice(0, 10) !== date ? undefined : start;
}

/** @throws {UnreadableTranscript} */
async function firstLine(path: string): Promise<string> {
  try {
    for await (const { text } of textLines(path)) return text ?? '';
    return '';
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UnreadableTranscript(`${path} can't be read (${code ?? error}).`, { cause: error });
  }
}
