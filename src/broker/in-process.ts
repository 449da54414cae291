import {
  type Broker,
  NoAnswer,
  NotDelivered,
  type RequestOptions,
  type Service,
  type Subscription,
  type Topic,
} from './port.js';

type Handler = (message: never, subject: string) => void;
type Responder = (question: never) => Promise<unknown>;

/**
 * A broker within one process: messages are passed as given. A publisher never runs its subscribers: they are called
 * in a microtask, in the order of publishing, and what one of them throws goes to `onError` alone.
 */
export class InProcessBroker implements Broker {
  readonly #exact = new Map<string, Set<Handler>>();
  /** By the subject up to and with its last dot. */
  readonly #wildcards = new Map<string, Set<Handler>>();
  readonly #responders = new Map<string, Set<Responder>>();
  #queue: [subject: string, message: unknown][] = [];

  constructor(private readonly onError: (error: unknown) => void) {}

  publish<Message>({ subject }: Topic<Message>, message: Message): void {
    if (this.#queue.push([subject, message]) === 1) queueMicrotask(() => this.#deliver());
  }

  subscribe<Message>({ subject }: Topic<Message>, handler: (message: Message, subject: string) => void): Subscription {
    // A handler subscribed twice is called twice.
    const own: Handler = (message, on) => handler(message, on);
    return subject.endsWith('.>')
      ? addTo(this.#wildcards, subject.slice(0, -1), own)
      : addTo(this.#exact, subject, own);
  }

  async request<Question, Answer>(
    { subject }: Service<Question, Answer>,
    question: Question,
    { timeoutMs }: RequestOptions,
  ): Promise<Answer> {
    const responder = this.#nextResponder(subject);
    if (!responder) throw new NotDelivered(`nobody responds on ${subject}`);
    let deadline: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      deadline = setTimeout(() => reject(new NoAnswer(`no answer on ${subject} within ${timeoutMs} ms`)), timeoutMs);
    });
    try {
      return (await Promise.race([this.#ask(responder, subject, question), late])) as Answer;
    } finally {
      clearTimeout(deadline);
    }
  }

  respond<Question, Answer>(
    { subject }: Service<Question, Answer>,
    handler: (question: Question) => Promise<Answer>,
  ): Subscription {
    return addTo<Responder>(this.#responders, subject, (question) => handler(question));
  }

  /** It is never out of reach. */
  readonly fault = undefined;

  onReconnect(): Subscription {
    return { unsubscribe: () => {} };
  }

  async close(): Promise<void> {
    this.#exact.clear();
    this.#wildcards.clear();
    this.#responders.clear();
  }

  #deliver(): void {
    const queue = this.#queue;
    this.#queue = [];
    for (const [subject, message] of queue) {
      this.#call(this.#exact.get(subject), message, subject);
      for (const [prefix, handlers] of this.#wildcards) {
        if (subject.startsWith(prefix)) this.#call(handlers, message, subject);
      }
    }
  }

  #call(handlers: ReadonlySet<Handler> | undefined, message: unknown, subject: string): void {
    if (!handlers) return;
    for (const handler of handlers) {
      try {
        handler(message as never, subject);
      } catch (error) {
        this.onError(error);
      }
    }
  }

  /** They take turns. */
  #nextResponder(subject: string): Responder | undefined {
    const responders = this.#responders.get(subject);
    const [next] = responders ?? [];
    if (!responders || !next) return undefined;
    responders.delete(next);
    responders.add(next);
    return next;
  }

  async #ask(responder: Responder, subject: string, question: unknown): Promise<unknown> {
    await undefined;
    try {
      return await responder(question as never);
    } catch (error) {
      this.onError(error);
      throw new NoAnswer(`the responder on ${subject} has failed`);
    }
  }
}

function addTo<Member>(index: Map<string, Set<Member>>, key: string, member: Member): Subscription {
  const members = index.get(key) ?? new Set();
  index.set(key, members.add(member));
  return {
    unsubscribe() {
      members.delete(member);
      if (members.size === 0 && index.get(key) === members) index.delete(key);
    },
  };
}
