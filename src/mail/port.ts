/** Outgoing mail: one message to one person, at least once. */

export interface Mail {
  /** The same whenever the same mail is sent again: its Message-ID is made of it, so that a second copy can be told. */
  readonly id: string;
  /** Whose account it is about. */
  readonly person: string;
  /** When it was written, in ms since 1970: its Date. */
  readonly writtenAt: number;
  /** One address, as `address.ts` reads it. */
  readonly to: string;
  /** One line. */
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** The link that it is about, where there is one. */
  readonly link: string | undefined;
}

/**
 * What became of a mail:
 * - `taken`: another server answers for it now;
 * - `refused`: it will never be taken;
 * - `deferred`: not now; others may be taken;
 * - `unavailable`: at the moment no mail would be taken, by a server that can't be reached, trusted or logged in to.
 *
 * A reason is a code, such as `RCPT TO 550 5.1.1`: a server's words may name people.
 */
export type Delivery =
  | { readonly outcome: 'taken' }
  | { readonly outcome: 'refused' | 'deferred' | 'unavailable'; readonly reason: string };

export interface MailTransport {
  send(mail: Mail): Promise<Delivery>;
  /** Breaks off what is under way: whether that was taken is not known. */
  close(): Promise<void>;
}
