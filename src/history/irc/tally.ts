/** Why a line was not imported. */
export type UnreadReason =
  | 'mode'
  | 'topic'
  | 'blank'
  | 'not-understood'
  | 'line-too-long'
  | 'empty-text'
  | 'text-too-long'
  | 'name-too-long'
  | 'unknown-actor'
  | 'person-forgotten';

/** Why a line that was read changed nothing: what it tells was so already. */
export type IdleReason = 'joined-already' | 'not-there' | 'same-name';

/** What came of lines. */
export interface Counts {
  lines: number;
  messages: number;
  /** Actions with a time of their own. */
  actions: number;
  /** Actions that the log tells like a notice of the server, without a time. */
  untimedActions: number;
  joins: number;
  /** Joins of people who spoke, or took a name, without having joined in sight. */
  impliedJoins: number;
  leaves: number;
  removals: number;
  nickChanges: number;
  /** Introduced to the channel; when an interrupted import goes on, perhaps a second time. */
  people: number;
}

export interface LineReference {
  readonly file: string;
  readonly line: number;
}

/** Counts what came of lines, and remembers which ones could not be imported. */
export class Tally {
  readonly counts: Counts = {
    lines: 0,
    messages: 0,
    actions: 0,
    untimedActions: 0,
    joins: 0,
    impliedJoins: 0,
    leaves: 0,
    removals: 0,
    nickChanges: 0,
    people: 0,
  };
  readonly idle = new Map<IdleReason, number>();
  readonly unread = new Map<UnreadReason, LineReference[]>();
  /** Lines read as Windows-1252. */
  readonly notUtf8: LineReference[] = [];

  skip(reason: UnreadReason, line: LineReference): void {
    const lines = this.unread.get(reason);
    if (lines) lines.push(line);
    else this.unread.set(reason, [line]);
  }

  idled(reason: IdleReason): undefined {
    this.idle.set(reason, (this.idle.get(reason) ?? 0) + 1);
  }

  add(other: Tally): void {
    for (const name of Object.keys(this.counts) as (keyof Counts)[]) this.counts[name] += other.counts[name];
    for (const [reason, count] of other.idle) this.idle.set(reason, (this.idle.get(reason) ?? 0) + count);
    for (const [reason, lines] of other.unread) for (const line of lines) this.skip(reason, line);
    this.notUtf8.push(...other.notUtf8);
  }
}
