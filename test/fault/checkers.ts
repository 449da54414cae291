import { type FeedAccess, type Membership, maySee } from '../../domain/access.js';
import { hashEvent } from '../../src/event-store/hash.js';
import type { StoredEvent } from '../../src/event-store/port.js';
import type { Lags, LoggedEvent, PostAttempt, Subscription } from './history.js';

/** Pure functions from a history to what is wrong with it; no findings, no fault. */

/** An acknowledged post is in the log once, where it was said to be; a refused one is not; an unknown one at most once. */
export function checkPosts(attempts: readonly PostAttempt[], log: readonly LoggedEvent[]): string[] {
  const byText = new Map<string, LoggedEvent[]>();
  for (const event of log) {
    if (event.text !== undefined) byText.set(event.text, [...(byText.get(event.text) ?? []), event]);
  }
  return attempts.flatMap(({ text, feed, outcome, acknowledged }) => {
    const found = byText.get(text) ?? [];
    if (found.length > 1) return [`"${text}" is in the log ${found.length} times`];
    if (outcome === 'refused' && found.length > 0) return [`"${text}" was refused, and is in the log`];
    if (outcome === 'ok' && found.length === 0) return [`"${text}" was acknowledged, and is not in the log`];
    return acknowledged
      .filter(
        ({ revision, position }) =>
          found[0]?.stream !== feed || found[0].revision !== revision || String(found[0].position) !== position,
      )
      .map(({ revision }) => `"${text}" was said to be at revision ${revision}, and is at ${found[0]?.revision}`);
  });
}

/** Revisions of each stream run from 0 without gaps, and positions rise. */
export function checkOrder(log: readonly LoggedEvent[]): string[] {
  const findings: string[] = [];
  const heads = new Map<string, number>();
  let last = 0n;
  for (const { stream, revision, position } of log) {
    const expected = (heads.get(stream) ?? -1) + 1;
    if (revision !== expected) findings.push(`${stream} has ${revision} where ${expected} was to come`);
    if (position <= last) findings.push(`position ${position} comes after ${last}`);
    heads.set(stream, revision);
    last = position;
  }
  return findings;
}

/** Ids of a stream rise with its revisions, whatever the clock of the one process that wrote them. */
export function checkIds(log: readonly LoggedEvent[]): string[] {
  const last = new Map<string, string>();
  return log.flatMap(({ stream, revision, id }) => {
    const before = last.get(stream) ?? '';
    last.set(stream, id);
    return id > before ? [] : [`${stream} has ${id} at revision ${revision} behind ${before}`];
  });
}

/** A log that has lost its end is what it was before, up to a moment between two commands. */
export function checkPrefix(log: readonly LoggedEvent[], whole: readonly LoggedEvent[]): string[] {
  const findings = log.flatMap((event, index) => {
    const before = whole[index];
    const isSame = before?.id === event.id && before.position === event.position && before.text === event.text;
    return isSame ? [] : [`position ${event.position} holds ${event.id}, and held ${before?.id}`];
  });
  const kept = new Set(log.map(({ commandId }) => commandId));
  for (const { commandId, id } of whole.slice(log.length)) {
    if (kept.has(commandId)) findings.push(`of the command ${commandId}, ${id} is lost and another event is not`);
  }
  return findings;
}

/** Every projection has come to the log's head by the last time that it was asked. */
export function checkLag(lags: readonly Lags[], projections: readonly string[]): string[] {
  const last = lags.at(-1) ?? {};
  return projections.flatMap((projection) => {
    const lag = last[projection];
    if (lag === undefined) return [`nobody folds ${projection}`];
    return lag === 0
      ? []
      : [`${projection} is ${lag} behind: ${lags.map((each) => each[projection] ?? '?').join(', ')}`];
  });
}

/** What was found in a log, and found to be wrong with it. */
export interface Examined {
  readonly events: readonly StoredEvent[];
  readonly findings: readonly string[];
}

/**
 * What is not as it was, was noticed; but for the last event of a stream, which no other one names by its hash, as far as
 * it is not sealed.
 */
export function checkNoticed({ events, findings }: Examined, whole: readonly StoredEvent[]): string[] {
  if (findings.length > 0) return [];
  if (events.length !== whole.length) return [`${whole.length} events have become ${events.length}`];
  const ends = new Map(whole.map(({ stream, revision }) => [stream, revision]));
  return whole.flatMap((event, index) => {
    const now = events[index] as StoredEvent;
    const isSame = hashEvent(now) === hashEvent(event) && now.position === event.position;
    return isSame || ends.get(event.stream) === event.revision ? [] : [`position ${event.position} has changed`];
  });
}

export interface AccessOf {
  readonly access: FeedAccess;
  membership(person: string): Membership | undefined;
}

/** Event types whose frames are for nobody. */
export type IsPublic = (type: string) => boolean;

/**
 * A subscription from the beginning of a feed got each revision once, in order, without gaps; in full exactly those that
 * the person may see; and, when it is live, all of them.
 */
export function checkSubscription(
  { feed, person, live, frames }: Subscription,
  log: readonly LoggedEvent[],
  { access, membership }: AccessOf,
  isPublic: IsPublic,
): string[] {
  const events = log.filter((event) => event.stream === feed);
  const who = `the subscription of ${person} to ${feed}`;
  const rights = `${access.visibility} ${JSON.stringify(membership(person)?.intervals)}`;
  const findings: string[] = [];
  for (const [index, frame] of frames.entries()) {
    const event = events[index];
    if (frame.revision !== index || !event) {
      findings.push(`${who} got ${frame.revision} where ${index} was to come`);
      break;
    }
    const entitled = maySee(access, membership(person), frame.revision) && isPublic(event.type);
    if (!frame.bare && !entitled) findings.push(`${who} saw ${frame.revision}, which they may not see (${rights})`);
    if (frame.bare && entitled) findings.push(`${who} did not see ${frame.revision}, which they may see (${rights})`);
    if (!frame.bare && frame.text !== event.text) findings.push(`${who} saw another text at ${frame.revision}`);
  }
  if (live && frames.length < events.length) {
    findings.push(`${who} got ${frames.length} of ${events.length} frames`);
  }
  return findings;
}
