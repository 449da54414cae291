import type { Commands } from '../domain/catalogue.js';
import type { CommandInput, CommandReply, CommandType } from '../src/commands/port.js';
import type { ClientMessage, ServerMessage } from '../src/edge/protocol.js';
import { longestBackoffMs } from './backoff.js';
import { CommandQueue } from './command-queue.js';
import { Connection } from './connection.js';
import type { ConnectionEnded } from './errors.js';
import type { FeedSubscription, SubscribeOptions } from './feed-subscription.js';
import { type Fetch, type HttpRequest, requestJson } from './http.js';
import type { Answer, Session, User } from './routes.js';
import { Subscriptions } from './subscriptions.js';
import { TokenHolder } from './token-holder.js';
import { findWebSocket, type WebSocketConstructor } from './web-socket.js';

export interface ParleyClientOptions {
  /** Where the server is, such as `http://127.0.0.1:3000`. */
  readonly url: string;
  /** Where its WebSocket is; on the same origin unless told. */
  readonly socketUrl?: string;
  readonly accessToken?: string;
  /** Asked for an access token before each connection, so that an expired one can be renewed. */
  readonly getAccessToken?: () => string | Promise<string>;
  readonly fetch?: Fetch;
  readonly WebSocket?: WebSocketConstructor;
  /** Longest wait before a lost connection is tried again, in ms; 15,000 unless told. */
  readonly longestBackoffMs?: number;
  /** The connection has ended for good, and with it every subscription. */
  readonly onEnd?: (error: ConnectionEnded) => void;
}

export interface CommandOptions {
  /** Makes the command one with an earlier one of this key; a new one unless told. */
  readonly idempotencyKey?: string;
  /** The revision that the caller's representation was of. */
  readonly ifMatch?: number;
  /** How long to wait for an answer, over all connections, in ms; 30,000 unless told. */
  readonly timeoutMs?: number;
}

/** What an accepted command answers: where its events are, and the fields of what it made. */
export type CommandAnswer<Type extends CommandType> = ReturnType<Commands[Type]['reply']> &
  Pick<CommandReply, 'id' | 'stream' | 'revision' | 'position'>;

/** A person's client: queries over HTTP, commands and feeds over one WebSocket that is opened when it is needed. */
export class ParleyClient {
  readonly #tokens: TokenHolder;
  /** Position of the last own command, which later queries wait for. */
  #position: string | undefined;
  readonly #connection: Connection;
  readonly #commands: CommandQueue;
  readonly #subscriptions: Subscriptions;
  readonly #fetch: Fetch;

  constructor(private readonly options: ParleyClientOptions) {
    this.#fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
    this.#tokens = new TokenHolder(options.accessToken, (refreshToken) => this.#refresh(refreshToken));
    this.#connection = new Connection({
      url: options.socketUrl ?? socketUrlOf(options.url),
      longestBackoffMs: options.longestBackoffMs ?? longestBackoffMs,
      getAccessToken: () => this.#token(),
      getWebSocket: async () => options.WebSocket ?? findWebSocket(),
      onReady: () => this.#resume(),
      onMessage: (message) => this.#receive(message),
      onEnd: (error) => this.#end(error),
    });
    const send = (message: ClientMessage) => this.#connection.send(message);
    this.#commands = new CommandQueue(send);
    this.#subscriptions = new Subscriptions(send);
  }

  /** Registers a person and is that person from now on. */
  register(person: { email: string; name: string; password: string; username?: string }): Promise<Session> {
    return this.#logInBy('auth/register', person);
  }

  /**
   * Logs in and is that person from now on; the session goes on by itself as long as the client is used.
   * @throws {ProblemError} `second-factor-required` if a `code` is asked for
   */
  logIn(
    credentials: ({ email: string } | { username: string }) & { password: string; code?: string },
  ): Promise<Session> {
    return this.#logInBy('auth/login', credentials);
  }

  /** Ends the session and the connection. */
  async logOut(): Promise<void> {
    await this.#request({ method: 'POST', path: 'auth/logout', accessToken: await this.#token() });
    this.#tokens.forget();
    this.close();
  }

  me(): Promise<User> {
    return this.get('auth/me');
  }

  /**
   * Queries a path after `/api/v1/`. The answer knows of this client's own commands.
   * @throws {ProblemError} if it is refused
   */
  async get<Path extends string>(path: Path, query: HttpRequest['query'] = {}): Promise<Answer<Path>> {
    return this.#request({ method: 'GET', path, query, accessToken: await this.#token(), position: this.#position });
  }

  /**
   * Issues a command. Sent again after a lost connection, it still has one effect.
   * @throws {ProblemError} if it is refused
   * @throws {CommandTimeout} if no answer came in time
   * @throws {ConnectionEnded} if the connection has ended for good
   */
  async command<Type extends CommandType>(
    type: Type,
    input: CommandInput<Type>,
    options: CommandOptions = {},
  ): Promise<CommandAnswer<Type>> {
    this.#connection.open();
    const { idempotencyKey = crypto.randomUUID(), ifMatch, timeoutMs = 30_000 } = options;
    const command = { type, input, idempotencyKey, ...(ifMatch !== undefined && { ifMatch }) };
    const answer = await this.#commands.execute<CommandAnswer<Type>>(command, timeoutMs);
    if (BigInt(answer.position) > BigInt(this.#position ?? 0)) this.#position = answer.position;
    return answer;
  }

  /**
   * Follows a feed until it is unsubscribed or ends.
   * @throws {Error} if the feed is followed already
   */
  subscribe(feed: string, options: SubscribeOptions): FeedSubscription {
    const subscription = this.#subscriptions.add(feed, options);
    this.#connection.open();
    subscription.resume();
    return subscription;
  }

  /** Ends the connection, and with it commands without an answer and all subscriptions. */
  close(): void {
    this.#connection.close();
  }

  async #logInBy(path: string, body: unknown): Promise<Session> {
    const session = await this.#request<Session>({ method: 'POST', path, body });
    this.#tokens.hold(session);
    return session;
  }

  #request<Reply>(request: HttpRequest): Promise<Reply> {
    return requestJson(this.#fetch, this.options.url, request);
  }

  async #token(): Promise<string> {
    if (this.options.getAccessToken) return this.options.getAccessToken();
    return this.#tokens.accessToken();
  }

  #refresh(refreshToken: string): Promise<Session> {
    return this.#request({ method: 'POST', path: 'auth/refresh', body: { refreshToken } });
  }

  #resume(): void {
    this.#subscriptions.resume();
    this.#commands.resume();
  }

  #receive(message: ServerMessage): void {
    if ('feed' in message && message.feed !== undefined)
      this.#subscriptions.receive({ ...message, feed: message.feed });
    else if (message.op === 'reply') this.#commands.replied(message);
    else if (message.op === 'error') this.#commands.refused(message);
  }

  #end(error: ConnectionEnded): void {
    this.#commands.end(error);
    this.#subscriptions.end(error);
    this.options.onEnd?.(error);
  }
}

function socketUrlOf(url: string): string {
  const socketUrl = new URL('/api/v1/socket', url);
  socketUrl.protocol = socketUrl.protocol === 'https:' ? 'wss:' : 'ws:';
  return socketUrl.href;
}
