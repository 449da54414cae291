/**
 * One line of an IRC channel's log, in the forms that Ubuntu's public logs have had since 2004:
 *
 *     [09:14] <nick> text               a message; also [09:14] -nick:#channel- text, a notice to the channel
 *     [09:14]  * nick text              an action; until 2007 without its time: === nick text
 *     === nick [user@host]  has joined #channel          === nick [user@host]  has left #channel ["reason"]
 *     === nick is now known as other                     === nick was kicked off #channel by other (reason)
 *     === mode/#channel [+o nick]  by other              and three forms that tell the topic
 *
 * The logs of until 2007 have a space behind each `]`, also inside of nicknames, which hold none on IRC.
 */

export type LineContent =
  | { readonly kind: 'message' | 'action'; readonly nick: string; readonly text: string }
  /** What the logs of until 2007 write for an action; only who is in the channel can have acted. */
  | { readonly kind: 'untimed-action'; readonly nick: string; readonly text: string }
  | { readonly kind: 'joined'; readonly nick: string }
  | { readonly kind: 'left'; readonly nick: string; readonly reason: string }
  | { readonly kind: 'kicked'; readonly nick: string }
  | { readonly kind: 'renamed'; readonly nick: string; readonly newNick: string }
  | { readonly kind: 'unread'; readonly reason: 'mode' | 'topic' | 'blank' | 'not-understood' };

export interface Line {
  /** Minutes since midnight as the clock of the log read; notices of the server carry no time. */
  readonly minute?: number;
  readonly content: LineContent;
}

const timed = /^\[(\d\d):(\d\d)\] (.*)$/s;
const spoken: readonly RegExp[] = [
  /^<(?<nick>[^<>]+)>(?: (?<text>.*))?$/s,
  /^-(?<nick>[^\s:]+):#\S+- ?(?<text>.*)$/s,
  /^\((?<nick>[^\s/]+)\/#\S+\) ?(?<text>.*)$/s,
];
const acted = /^ \* (?<nick>\S+)(?: (?<text>.*))?$/s;

/** A nickname between spaces; behind a `]` it may go on after a space. */
const nick = String.raw`(?:\] ?|[^\s\]])+`;
const topic = /^=== (?:Topic (?:for|\()|\.\.\[topic\/|\S+ changed the topic of #)/;
const mode = /^=== mode\/#/;
/** The host may hold a `] ` of its own, but no ` [` before its `@`. */
const cameOrWent = new RegExp(
  String.raw`^=== (?<nick>${nick}) +\[(?:(?! \[).)*@.*?\] +has (?<what>joined|left|quit)(?: #\S+)?(?<reason> \[.*\]?)? *$`,
);
const renamed = new RegExp(`^=== (?<nick>${nick}) +is now known as (?<newNick>${nick})$`);
const kicked = new RegExp(String.raw`^=== (?<nick>${nick}) +was kicked off #\S+ by `);
const actedUntimed = new RegExp(`^=== (?<nick>${nick}) +(?<text>.+)$`, 's');

export function parseLine(line: string): Line {
  if (line.startsWith('===')) return { content: parseNotice(line) };
  if (line.trim() === '') return { content: { kind: 'unread', reason: 'blank' } };
  const match = timed.exec(line);
  const [, hour, minute, rest] = match ?? [];
  if (rest === undefined || Number(hour) > 23 || Number(minute) > 59) return { content: notUnderstood };
  return { minute: Number(hour) * 60 + Number(minute), content: parseSpeech(rest) };
}

const notUnderstood = { kind: 'unread', reason: 'not-understood' } as const;

function parseSpeech(rest: string): LineContent {
  for (const form of spoken) {
    const said = form.exec(rest)?.groups;
    if (said) return { kind: 'message', nick: nickOf(said.nick), text: said.text ?? '' };
  }
  const action = acted.exec(rest)?.groups;
  if (action) return { kind: 'action', nick: nickOf(action.nick), text: action.text ?? '' };
  return notUnderstood;
}

/** IRC's own limit is 512 bytes; the forms below are not made for hostile lines of any length. */
const maxNotice = 2_048;

function parseNotice(line: string): LineContent {
  if (line.length > maxNotice) return notUnderstood;
  if (mode.test(line)) return { kind: 'unread', reason: 'mode' };
  if (topic.test(line)) return { kind: 'unread', reason: 'topic' };
  const movement = cameOrWent.exec(line)?.groups;
  if (movement) return parseMovement(movement);
  const rename = renamed.exec(line)?.groups;
  if (rename) return { kind: 'renamed', nick: nickOf(rename.nick), newNick: nickOf(rename.newNick) };
  const kick = kicked.exec(line)?.groups;
  if (kick) return { kind: 'kicked', nick: nickOf(kick.nick) };
  const action = actedUntimed.exec(line)?.groups;
  if (action) return { kind: 'untimed-action', nick: nickOf(action.nick), text: action.text ?? '' };
  return notUnderstood;
}

function parseMovement({ nick, what, reason }: Readonly<Record<string, string | undefined>>): LineContent {
  if (what === 'joined') return { kind: 'joined', nick: nickOf(nick) };
  return { kind: 'left', nick: nickOf(nick), reason: (reason ?? '').replace(/^ \["?|"?\]? *$/g, '') };
}

function nickOf(written: string | undefined): string {
  return (written ?? '').replaceAll(' ', '');
}
