import type { Msg, NatsConnection, Subscription as NatsSubscription, RequestError } from '@nats-io/transport-node';
import type { Logger } from 'pino';
import type { z } from 'zod';
import { type NatsAddress, showNatsAddress } from './nats-address.js';
import { LastingConnection } from './nats-connection.js';
import { SendWindow } from './nats-send-window.js';
import {
  type Broker,
  NoAnswer,
  NotDelivered,
  type RequestOptions,
  type Service,
  type Subscription,
  type Topic,
} from './port.js';

/** Why a message did not reach anybody: there is no connection, it is too large or too much, or it can't be read. */
export const lossReasons = ['unreachable', 'too-large', 'congested', 'malformed'] as const;
export type LossReason = (typeof lossReasons)[number];

export interface NatsBrokerOptions {
  readonly address: NatsAddress;
  readonly logger: Logger;
  /** Counts a message that is lost, as far as that is known here. */
  readonly onLoss: (reason: LossReason) => void;
}

/** Those who respond share the questions. */
const queue = 'responders';

/** What was subscribed to, made anew on every connection. */
interface Interest {
  readonly subject: string;
  readonly queue?: string;
  readonly receive: (message: Msg) => void;
  made?: NatsSubscription;
}

/**
 * A broker over servers of NATS (core, no JetStream): at most once, in the order of each publisher. What is published
 * while there is no connection, or is larger than the server takes, is lost and counted.
 */
export class NatsBroker implements Broker {
  readonly #interests = new Set<Interest>();
  readonly #reconnected = new Set<() => void>();
  #connection!: LastingConnection;
  #window: SendWindow | undefined;
  /** What the server did not let us do, since it is connected. */
  #refusal: string | undefined;

  private constructor(private readonly options: NatsBrokerOptions) {}

  /** Resolves after the first try to connect; where it fails, the broker goes on trying. */
  static async open(options: NatsBrokerOptions): Promise<NatsBroker> {
    const broker = new NatsBroker(options);
    broker.#connection = await LastingConnection.open({
      address: options.address,
      onConnection: (connection) => broker.#renew(connection),
      onReachable: (server) => broker.#reachable(server),
      onUnreachable: (reason) => broker.#unreachable(reason),
      onRefusal: (error) => broker.#refused(error),
    });
    return broker;
  }

  publish<Message>(topic: Topic<Message>, message: Message): void {
    const payload = Buffer.from(JSON.stringify(message));
    const loss = this.#send(payload.length, (connection) => connection.publish(this.#full(topic.subject), payload));
    if (loss) this.options.onLoss(loss);
  }

  subscribe<Message>(topic: Topic<Message>, handler: (message: Message, subject: string) => void): Subscription {
    return this.#add({
      subject: this.#full(topic.subject),
      receive: ({ data, subject }) => {
        const message = this.#read(topic.message, data);
        if (message) this.#run(() => handler(message.value, subject.slice(this.#full('').length)));
      },
    });
  }

  async request<Question, Answer>(
    service: Service<Question, Answer>,
    question: Question,
    { timeoutMs }: RequestOptions,
  ): Promise<Answer> {
    const payload = Buffer.from(JSON.stringify(question));
    let answering: Promise<Msg> | undefined;
    const loss = this.#send(payload.length, (connection) => {
      answering = connection.request(this.#full(service.subject), payload, { timeout: timeoutMs });
    });
    if (!answering) throw new NotDelivered(`a question on ${service.subject} was not sent: ${loss}`);
    const { data } = await answering.catch((error: Error) => {
      if ((error as Partial<RequestError>).isNoResponders?.()) {
        throw new NotDelivered(`nobody responds on ${service.subject}`);
      }
      throw new NoAnswer(`no answer on ${service.subject}: ${error.message}`);
    });
    const answer = data.length > 0 ? this.#read(service.answer, data) : undefined;
    if (!answer) throw new NoAnswer(`no answer that can be read on ${service.subject}`);
    return answer.value;
  }

  respond<Question, Answer>(
    service: Service<Question, Answer>,
    handler: (question: Question) => Promise<Answer>,
  ): Subscription {
    return this.#add({
      subject: this.#full(service.subject),
      queue,
      receive: (message) => void this.#answer(service, handler, message),
    });
  }

  onReconnect(handler: () => void): Subscription {
    const own = () => handler();
    this.#reconnected.add(own);
    return { unsubscribe: () => this.#reconnected.delete(own) };
  }

  get fault(): string | undefined {
    return this.#connection.fault ?? this.#refusal;
  }

  async close(): Promise<void> {
    await this.#connection.close();
    this.#interests.clear();
    this.#reconnected.clear();
  }

  // Sending

  /** @returns why it can't be sent, if it can't */
  #send(bytes: number, send: (connection: NatsConnection) => void): LossReason | undefined {
    const connection = this.#connection.current;
    const limit = connection?.info?.max_payload;
    if (!connection || connection.isClosed() || limit === undefined || !this.#window) return 'unreachable';
    if (bytes > limit) return 'too-large';
    if (!this.#window.admits(bytes)) return 'congested';
    send(connection);
    this.#window.sent(bytes);
    return undefined;
  }

  /** An empty answer says that there is none. */
  async #answer<Question, Answer>(
    { question: schema, subject }: Service<Question, Answer>,
    handler: (question: Question) => Promise<Answer>,
    message: Msg,
  ): Promise<void> {
    const question = this.#read(schema, message.data);
    let answer = Buffer.alloc(0);
    try {
      if (question) answer = Buffer.from(JSON.stringify(await handler(question.value)));
    } catch (error) {
      this.options.logger.error({ err: error }, `a question on ${subject} could not be answered`);
    }
    const loss = this.#send(answer.length, () => message.respond(answer));
    if (loss) this.options.onLoss(loss);
    if (loss === 'too-large') message.respond();
  }

  // Receiving

  #add(interest: Interest): Subscription {
    this.#interests.add(interest);
    const connection = this.#connection.current;
    if (connection) this.#make(interest, connection);
    return {
      unsubscribe: () => {
        if (!this.#interests.delete(interest) || !interest.made || interest.made.isClosed()) return;
        // A question that is on its way is not left without an answer.
        if (interest.queue === undefined) interest.made.unsubscribe();
        else void interest.made.drain();
      },
    };
  }

  #make(interest: Interest, connection: NatsConnection): void {
    interest.made = connection.subscribe(interest.subject, {
      ...(interest.queue !== undefined && { queue: interest.queue }),
      // A refused subscription is told as an error of the connection, too.
      callback: (error, message) => {
        if (!error) interest.receive(message);
      },
    });
  }

  #read<T>(schema: z.ZodType<T>, data: Uint8Array): { readonly value: T } | undefined {
    try {
      return { value: schema.parse(JSON.parse(Buffer.from(data).toString())) };
    } catch {
      this.options.onLoss('malformed');
      return undefined;
    }
  }

  #run(handler: () => void): void {
    try {
      handler();
    } catch (error) {
      this.options.logger.error({ err: error }, 'a subscriber of the broker failed');
    }
  }

  // Connections

  #renew(connection: NatsConnection): void {
    this.#window = new SendWindow(connection);
    this.#refusal = undefined;
    for (const interest of this.#interests) this.#make(interest, connection);
  }

  #reachable(server: string): void {
    this.options.logger.info({ server }, 'the broker is reachable');
    // At the first connection nobody listens yet, unless it came late.
    for (const handler of this.#reconnected) this.#run(handler);
  }

  #unreachable(reason: string): void {
    const broker = showNatsAddress(this.options.address);
    this.options.logger.warn(
      { broker, reason },
      'the broker is out of reach: what is published now is read from the log',
    );
  }

  #refused(error: Error): void {
    this.#refusal = error.message;
    this.options.logger.error({ err: error }, 'the broker does not let us do this');
  }

  #full(subject: string): string {
    return `${this.options.address.namespace}.${subject}`;
  }
}
