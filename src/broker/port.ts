import type { z } from 'zod';

/** What travels under a subject: tokens of letters, digits, `_`, `-` and `=`, with dots between them. */
export interface Topic<Message> {
  /** May end in `.>` for a subscription to everything below. */
  readonly subject: string;
  /** Checked where a message comes from another process. */
  readonly message: z.ZodType<Message>;
}

/** What is asked under a subject, and what is answered. */
export interface Service<Question, Answer> {
  readonly subject: string;
  readonly question: z.ZodType<Question>;
  readonly answer: z.ZodType<Answer>;
}

/**
 * The broker carries copies and things that may be lost. A message may be dropped, doubled or come late; whoever needs
 * to be complete repairs from the log. Messages and answers are what JSON can hold, or have a `toJSON` that makes it so.
 */
export interface Broker {
  /** Sends a message to the topic's subscribers, this process's among them; lost where the broker is out of reach. */
  publish<Message>(topic: Topic<Message>, message: Message): void;
  /** The handler must not block; messages of one publisher come in order. */
  subscribe<Message>(topic: Topic<Message>, handler: (message: Message, subject: string) => void): Subscription;
  /**
   * Asks one of those who respond.
   * @throws {NotDelivered} if surely nobody was asked
   * @throws {NoAnswer} if somebody may have been asked, and answered nothing in time or nothing that fits
   */
  request<Question, Answer>(
    service: Service<Question, Answer>,
    question: Question,
    options: RequestOptions,
  ): Promise<Answer>;
  /** Answers its share of the questions: each goes to one of those who respond. A rejection leaves it unanswered. */
  respond<Question, Answer>(
    service: Service<Question, Answer>,
    handler: (question: Question) => Promise<Answer>,
  ): Subscription;
  /** Tells when the broker was out of reach and is back, so that what may have been missed can be repaired. */
  onReconnect(handler: () => void): Subscription;
  /** Why the broker is out of reach at the moment; undefined while it is not. */
  readonly fault: string | undefined;
  /** Hands over what has come and sends what was published, as far as that can be done soon. */
  close(): Promise<void>;
}

export interface RequestOptions {
  readonly timeoutMs: number;
}

export interface Subscription {
  unsubscribe(): void;
}

/** Surely nobody got the question. */
export class NotDelivered extends Error {}

/** Somebody may have got the question and done what it asks for. */
export class NoAnswer extends Error {}
