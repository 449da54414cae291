import type { BareFrame, Frame } from '../../domain/frame.js';
import { uuid } from '../../domain/ids.js';
import type { Names } from '../history/names.js';

/** Names of the people that a frame speaks of, by id; `null` for someone forgotten or unknown is left out. */
export type FrameNames = Readonly<Record<string, string>>;

export async function namesIn(frame: Frame | BareFrame, names: Names): Promise<FrameNames> {
  if (!('data' in frame)) return {};
  const found: Record<string, string> = {};
  for (const value of [frame.actor, ...Object.values(frame.data)]) {
    if (typeof value !== 'string' || !uuid.safeParse(value).success) continue;
    const name = await names.nameOf(value);
    if (name !== null) found[value] = name;
  }
  return found;
}

/** A frame as people read it: when, its revision, and what happened. */
export function readableLine(frame: Frame | BareFrame, names: FrameNames): string {
  if (!('data' in frame)) return `${' '.repeat(19)}  ${frame.revision}  (hidden)`;
  const when = frame.at.slice(0, 19).replace('T', ' ');
  return `${when}  ${frame.revision}  ${whatHappened(frame, names)}`;
}

function whatHappened({ type, actor, data }: Frame, names: FrameNames): string {
  const nameOf = (id: unknown) => names[String(id)] ?? String(id);
  switch (type) {
    case 'conversations.MessagePosted': {
      const text = printable(String(data.text ?? '(forgotten)'));
      return data.kind === 'action' ? `* ${nameOf(data.authorId)} ${text}` : `<${nameOf(data.authorId)}> ${text}`;
    }
    case 'conversations.MemberJoined':
      return `=== ${nameOf(data.personId)} is there (${data.how})`;
    case 'conversations.MemberLeft':
      return `=== ${nameOf(data.personId)} is gone (${data.how})${data.reason ? `: ${printable(String(data.reason))}` : ''}`;
    default:
      return `=== ${type} by ${nameOf(actor)} ${printable(JSON.stringify(data))}`;
  }
}

/** What people wrote must not command the reader's terminal. */
function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is replaced
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ');
}
