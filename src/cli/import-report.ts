import { streamName } from '../../domain/ids.js';
import type { ImportResult } from '../history/irc/import.js';
import type { Counts, IdleReason, LineReference, UnreadReason } from '../history/irc/tally.js';
import { grouped, table } from './output.js';

/** What `import irc --json` prints. */
export interface ImportReport extends Counts {
  readonly feed: string;
  readonly files: number;
  readonly linesImportedBefore: number;
  readonly interrupted: boolean;
  readonly seconds: number;
  readonly messagesPerSecond: number;
  /** Lines that were not imported, by reason. */
  readonly unread: Readonly<Record<string, readonly LineReference[]>>;
  /** How many lines told what was so already, by reason. */
  readonly withoutEffect: Readonly<Record<string, number>>;
  /** Lines read as Windows-1252. */
  readonly notUtf8: readonly LineReference[];
}

export function reportOf(result: ImportResult, files: number, seconds: number): ImportReport {
  const { counts, unread, idle, notUtf8 } = result.tally;
  return {
    feed: streamName('channel', result.channelId),
    files,
    ...counts,
    linesImportedBefore: result.linesBefore,
    interrupted: result.interrupted,
    seconds: Math.round(seconds * 1_000) / 1_000,
    messagesPerSecond: Math.round(spoken(counts) / seconds),
    unread: Object.fromEntries(unread),
    withoutEffect: Object.fromEntries(idle),
    notUtf8,
  };
}

function spoken({ messages, actions, untimedActions }: Counts): number {
  return messages + actions + untimedActions;
}

const unreadReasons: Readonly<Record<UnreadReason, string>> = {
  mode: 'changes of modes',
  topic: 'topics',
  blank: 'blank lines',
  'not-understood': 'lines of an unknown form',
  'line-too-long': 'lines over 256 KiB',
  'empty-text': 'messages without a text',
  'text-too-long': 'texts over the limit',
  'name-too-long': 'names over the limit',
  'unknown-actor': 'notices that are no action of anybody in the channel',
  'person-forgotten': 'lines about people who were forgotten',
};

const idleReasons: Readonly<Record<IdleReason, string>> = {
  'joined-already': 'joins of people who were there',
  'not-there': 'leaves of people who were not there',
  'same-name': 'changes of case in a name',
};

export function describeImport(report: ImportReport): string[] {
  const unread = Object.entries(report.unread).map(
    ([reason, lines]) => [unreadReasons[reason as UnreadReason], grouped(lines.length)] as const,
  );
  const idle = Object.entries(report.withoutEffect).map(
    ([reason, count]) => [idleReasons[reason as IdleReason], grouped(count)] as const,
  );
  return [
    report.interrupted
      ? `Interrupted. What was read is in ${report.feed}; the same command goes on from there.`
      : `Imported into ${report.feed}.`,
    ...table(imported(report)),
    ...section('Not imported (--json tells the lines):', unread),
    ...section('Without effect:', idle),
    ...(report.notUtf8.length > 0
      ? [`${grouped(report.notUtf8.length)} lines were not UTF-8: read as Windows-1252.`]
      : []),
  ];
}

function imported(report: ImportReport): [string, string][] {
  const rows: [string, number][] = [
    ['files', report.files],
    ['lines', report.lines],
    ['lines imported before', report.linesImportedBefore],
    ['messages', report.messages],
    ['actions', report.actions],
    ['actions without a time', report.untimedActions],
    ['joins', report.joins],
    ['joins implied by speaking', report.impliedJoins],
    ['leaves', report.leaves],
    ['removals', report.removals],
    ['changes of name', report.nickChanges],
    ['people', report.people],
  ];
  return [
    ...rows.map(([label, count]): [string, string] => [label, grouped(count)]),
    ['time', `${report.seconds.toFixed(1)} s, ${grouped(report.messagesPerSecond)} messages/s`],
  ];
}

function section(title: string, rows: readonly (readonly [string, string])[]): string[] {
  return rows.length === 0 ? [] : [title, ...table(rows)];
}
