import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';

export interface TextLine {
  /** From 1. */
  readonly number: number;
  /** Without its end, and with U+FFFD for each NUL; undefined when it is longer than any line of a log. */
  readonly text: string | undefined;
  /** Else it was read as Windows-1252, which has a character for every byte. */
  readonly isUtf8: boolean;
  /** Length in the file, in bytes. */
  readonly bytes: number;
}

const maxLineBytes = 256 * 1024;
const newline = 0x0a;
const carriageReturn = 0x0d;
/** The bytes from 0x80 to 0x9F in Windows-1252. Node's own decoder takes that for Latin-1 in some versions. */
const western = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ';

/** The lines of a file as they are read from disk; a last one without an end is a line too. */
export async function* textLines(path: string): AsyncGenerator<TextLine, void, undefined> {
  let number = 0;
  let begun = new UnfinishedLine();
  for await (const chunk of createReadStream(path, { highWaterMark: 256 * 1024 }) as AsyncIterable<Buffer>) {
    let start = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      begun.add(chunk.subarray(start, end));
      number += 1;
      yield begun.finish(number, 1);
      begun = new UnfinishedLine();
      start = end + 1;
    }
    begun.add(chunk.subarray(start));
  }
  if (begun.bytes > 0) yield begun.finish(number + 1, 0);
}

class UnfinishedLine {
  #parts: Buffer[] = [];
  bytes = 0;

  add(part: Buffer): void {
    this.bytes += part.length;
    if (this.bytes > maxLineBytes) this.#parts = [];
    else this.#parts.push(part);
  }

  finish(number: number, endBytes: number): TextLine {
    const bytes = this.bytes + endBytes;
    if (this.bytes > maxLineBytes) return { number, text: undefined, isUtf8: true, bytes };
    const whole = this.#parts.length === 1 ? (this.#parts[0] as Buffer) : Buffer.concat(this.#parts);
    const line = whole.at(-1) === carriageReturn ? whole.subarray(0, -1) : whole;
    const isText = isUtf8(line);
    const text = isText ? line.toString('utf8') : decodeWestern(line);
    return { number, text: text.replaceAll('\0', '\ufffd'), isUtf8: isText, bytes };
  }
}

function decodeWestern(line: Buffer): string {
  return line.toString('latin1').replace(/[\u0080-\u009f]/g, (letter) => western.charAt(letter.charCodeAt(0) - 0x80));
}
