/**
 * The broker carries copies and things that may be lost. A message may be dropped, doubled or come late; whoever needs
 * to be complete repairs from the log.
 */
export interface Broker {
  /** Sends a message to the subject's subscribers, this process's among them; lost where the broker is out of reach. */
  publish(subject: string, message: unknown): void;
  /** The handler must not block; messages of one publisher come in order. `subject` may end in `.>`. */
  subscribe(subject: string, handler: (message: unknown, subject: string) => void): Subscription;
  /** Tells when the broker was out of reach and is back, so that what may have been missed can be repaired. */
  onReconnect(handler: () => void): Subscription;
  close(): Promise<void>;
}

export interface Subscription {
  unsubscribe(): void;
}
