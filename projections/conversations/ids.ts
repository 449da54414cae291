import { parseStreamName } from '../../domain/ids.js';

/** How documents of conversations are named. */

export function channelOf({ stream }: { readonly stream: string }): string {
  return parseStreamName(stream).id;
}

export function channelMemberId(channelId: string, personId: string): string {
  return `${channelId}/${personId}`;
}

/** Ordered as the messages are: twelve digits are enough for any stream. */
export function messageId(channelId: string, revision: number): string {
  return `${channelId}/${String(revision).padStart(12, '0')}`;
}
