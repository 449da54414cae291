import type { RecordedEvent } from '../../domain/event.js';
import { writeLetter } from '../mail/letters/write-letter.js';
import type { Delivery, MailTransport } from '../mail/port.js';
import { LogReactor, type LogReactorOptions, type Reaction } from './log-reactor.js';
import { type Addressed, type MailedTokens, MailOccasions, occasionTypes } from './mail-occasions.js';

export interface MailReactorOptions extends Omit<LogReactorOptions, 'name' | 'reactsTo' | 'react'> {
  readonly transport: MailTransport;
  readonly tokens: MailedTokens;
  /** Where links begin, without a slash at the end. */
  readonly linkBase: string;
}

const reactionTo = {
  taken: 'done',
  refused: 'given-up',
  deferred: 'failed',
  unavailable: 'blocked',
} as const satisfies Record<Delivery['outcome'], Reaction['outcome']>;

/** Writes to people on account of what has happened, each mail at least once under one Message-ID. */
export function startMailReactor(options: MailReactorOptions): Promise<LogReactor> {
  const { transport, clock = Date.now } = options;
  const occasions = new MailOccasions(options);

  async function react(event: RecordedEvent): Promise<Reaction> {
    const addressed = await occasions.letterOn(event);
    if (!addressed) return { outcome: 'done' };
    if (isExpired(addressed, clock())) return { outcome: 'given-up', reason: 'expired' };
    const delivery = await transport.send({
      id: event.id,
      person: addressed.person,
      writtenAt: Date.parse(event.metadata.recordedAt),
      to: addressed.to,
      ...writeLetter(addressed.letter, addressed.reader),
    });
    return delivery.outcome === 'taken' ? { outcome: 'done' } : { ...delivery, outcome: reactionTo[delivery.outcome] };
  }

  return LogReactor.start({ ...options, name: 'mail', reactsTo: occasionTypes, react });
}

/** A link that does nothing any more is not worth a mail. */
function isExpired({ letter }: Addressed, now: number): boolean {
  return 'link' in letter && letter.link.expiresAt <= now;
}
