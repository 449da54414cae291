import { type Actor, systemActor } from '../../../domain/decider.js';
import type { CommandRequest, CommandType } from '../../commands/port.js';
import type { Newcomer, People } from './people.js';
import { Tally, type UnreadReason } from './tally.js';
import type { Transcript, TranscriptLine } from './transcript.js';

/** What the lots of an import share. */
export interface LotContext {
  readonly channelId: string;
  readonly people: People;
  /** Who is in the channel behind the last line read. */
  readonly members: Set<string>;
  /** Whose lines are passed over: nothing more of theirs is kept. */
  readonly forgotten: ReadonlySet<string>;
}

const maxNameLength = 80;
const maxTextLength = 16_000;
const maxReasonLength = 500;

/** Some lines of a transcript that follow each other, as the commands that are to be executed together for them. */
export class Lot {
  readonly tally = new Tally();
  /** To be introduced before the commands are executed. */
  readonly newcomers: Newcomer[] = [];
  /** Length of the lines in the file, in bytes. */
  bytes = 0;
  readonly #commands: CommandRequest[] = [];
  #throughLine = 0;
  #at = 0;

  constructor(
    private readonly context: LotContext,
    private readonly transcript: Transcript,
    private readonly fromLine: number,
  ) {}

  get size(): number {
    return this.tally.counts.lines;
  }

  /** The record of the lines first, which is refused where one of them is imported already. */
  get commands(): CommandRequest[] {
    const { source } = this.transcript;
    const record = { source, fromLine: this.fromLine, throughLine: this.#throughLine };
    return [this.#request('conversations.RecordTranscript', record, systemActor), ...this.#commands];
  }

  add(line: TranscriptLine): void {
    this.#throughLine = line.number;
    this.#at = line.at;
    this.bytes += line.bytes;
    this.tally.counts.lines += 1;
    if (!line.isUtf8) this.tally.notUtf8.push(this.#reference(line));
    const unread = this.#read(line.content);
    if (unread) this.tally.skip(unread, this.#reference(line));
  }

  /** @returns why the line can't be imported */
  #read(content: TranscriptLine['content']): UnreadReason | undefined {
    if (content.kind === 'unread') return content.reason;
    const names = content.kind === 'renamed' ? [content.nick, content.newNick] : [content.nick];
    if (names.some((name) => name.length > maxNameLength)) return 'name-too-long';
    if (names.some((name) => this.#isForgotten(name))) return 'person-forgotten';
    switch (content.kind) {
      case 'message':
      case 'action':
        return this.#speak(content.kind, content.nick, content.text);
      case 'untimed-action':
        return this.#actUntimed(content.nick, content.text);
      case 'joined':
        return this.#join(content.nick);
      case 'left':
        return this.#leave(content.nick, content.reason);
      case 'kicked':
        return this.#remove(content.nick);
      case 'renamed':
        return this.#rename(content.nick, content.newNick);
    }
  }

  #speak(kind: 'message' | 'action', nick: string, text: string): UnreadReason | undefined {
    const unread = unreadText(text);
    if (unread) return unread;
    this.#admit(nick, 'implied');
    this.#post(kind, nick, text);
    this.tally.counts[kind === 'message' ? 'messages' : 'actions'] += 1;
    return undefined;
  }

  /** The log tells these like the server's notices, of which we may not know all: so only of people in sight. */
  #actUntimed(nick: string, text: string): UnreadReason | undefined {
    if (!this.#isMember(nick)) return 'unknown-actor';
    const unread = unreadText(text);
    if (unread) return unread;
    this.#post('action', nick, text);
    this.tally.counts.untimedActions += 1;
    return undefined;
  }

  #join(nick: string): undefined {
    if (this.#isMember(nick)) return this.tally.idled('joined-already');
    const personId = this.#enter(nick);
    this.#command('conversations.JoinChannel', {}, { id: personId });
    this.tally.counts.joins += 1;
  }

  #leave(nick: string, reason: string): UnreadReason | undefined {
    if (reason.length > maxReasonLength) return 'text-too-long';
    const id = this.#exit(nick);
    if (id === undefined) return this.tally.idled('not-there');
    this.#command('conversations.LeaveChannel', { reason }, { id });
    this.tally.counts.leaves += 1;
    return undefined;
  }

  #remove(nick: string): undefined {
    const personId = this.#exit(nick);
    if (personId === undefined) return this.tally.idled('not-there');
    this.#command('conversations.RemoveMember', { personId }, systemActor);
    this.tally.counts.removals += 1;
  }

  #rename(nick: string, newNick: string): undefined {
    const { people } = this.context;
    if (people.idOf(nick) === people.idOf(newNick)) return this.tally.idled('same-name');
    const personId = this.#exit(nick);
    if (personId !== undefined) this.#command('conversations.RetireName', { personId }, systemActor);
    this.#admit(newNick, 'renamed');
    this.tally.counts.nickChanges += 1;
  }

  #admit(nick: string, how: 'implied' | 'renamed'): void {
    if (this.#isMember(nick)) return;
    const personId = this.#enter(nick);
    this.#command('conversations.AdmitSpeaker', { personId, how }, systemActor);
    if (how === 'implied') this.tally.counts.impliedJoins += 1;
  }

  #post(kind: 'message' | 'action', nick: string, text: string): void {
    this.#command('conversations.PostMessage', { text, kind }, { id: this.context.people.idOf(nick) });
  }

  #isMember(nick: string): boolean {
    return this.context.members.has(this.context.people.idOf(nick));
  }

  #isForgotten(nick: string): boolean {
    const { people, forgotten } = this.context;
    return forgotten.size > 0 && forgotten.has(people.idOf(nick));
  }

  /** @returns the person */
  #enter(nick: string): string {
    const { people, members } = this.context;
    const newcomer = people.newcomer(nick, this.#at);
    if (newcomer) {
      this.newcomers.push(newcomer);
      this.tally.counts.people += 1;
    }
    const personId = people.idOf(nick);
    members.add(personId);
    return personId;
  }

  /** @returns the person; undefined where they were not there */
  #exit(nick: string): string | undefined {
    const personId = this.context.people.idOf(nick);
    return this.context.members.delete(personId) ? personId : undefined;
  }

  #command(type: CommandType, input: object, actor: Actor): void {
    this.#commands.push(this.#request(type, input, actor));
  }

  #request(type: CommandType, input: object, actor: Actor): CommandRequest {
    const { channelId } = this.context;
    return { type, input: Object.assign({ channelId }, input), actor, occurredAt: this.#at, origin: 'import' };
  }

  #reference({ number }: TranscriptLine) {
    return { file: this.transcript.path, line: number };
  }
}

function unreadText(text: string): UnreadReason | undefined {
  const { length } = text.trim();
  if (length === 0) return 'empty-text';
  return length > maxTextLength ? 'text-too-long' : undefined;
}
