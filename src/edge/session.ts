import { performance } from 'node:perf_hooks';
import type { z } from 'zod';
import type { Actor } from '../../domain/decider.js';
import { type Session as AuthSession, type Ending, Unauthenticated } from '../auth/session.js';
import { parse } from '../commands/port.js';
import { isDenial, problemOf, toProblem } from '../problems.js';
import { TokenBucket } from '../token-bucket.js';
import { type CloseCause, closeCodes } from './close-codes.js';
import type { EdgeContext } from './context.js';
import { operations } from './operations/operations.js';
import type { Opening } from './operations/subscribe.js';
import { type ClientOp, clientMessages, type ServerMessage } from './protocol.js';
import { type Subscriber, Subscription } from './subscription.js';
import type { EdgeSocket, SocketHandler } from './transport/port.js';

/** Messages that may wait for the authentication. */
const mostHeld = 64;

/** One socket: who is behind it, what it follows, and how much it may ask for. */
export class Session implements SocketHandler, Subscriber {
  #authSession: AuthSession | undefined;
  /** When the socket is to be closed, and why; on the monotonic clock, which nobody sets: in ms. */
  deadline: { readonly at: number; readonly cause: CloseCause };
  readonly subscriptions = new Map<string, Subscription | Opening>();
  commandsInFlight = 0;
  closed = false;
  /** Since when its backlog keeps it from catching up, in ms on the monotonic clock. */
  stalledSince: number | undefined;
  readonly #messages: TokenBucket;
  readonly #openedAt = performance.now();
  /** Messages that came while the access token is being checked. */
  #held: string[] | undefined;

  constructor(
    readonly context: EdgeContext,
    readonly socket: EdgeSocket,
    /** From where it was opened. */
    readonly address: string,
  ) {
    const { limits } = context;
    this.deadline = { at: this.#openedAt + limits.authenticationMs, cause: 'authentication-late' };
    this.#messages = new TokenBucket(limits.messagesPerSecond, limits.messagesBurst);
  }

  get actor(): Actor | undefined {
    return this.#authSession?.actor;
  }

  send(message: ServerMessage): void {
    this.socket.send(JSON.stringify(message));
  }

  close(cause: CloseCause): void {
    if (this.closed) return;
    const { code, reason } = closeCodes[cause];
    this.context.closes.set(cause, (this.context.closes.get(cause) ?? 0) + 1);
    this.socket.close(code, reason);
  }

  // Messages

  onText(text: string, bytes: number): void {
    if (this.closed) return;
    if (bytes > this.context.limits.messageBytes) this.close('too-large');
    else if (!this.#messages.take(performance.now())) this.close('flooding');
    else if (!this.#held) this.#take(text);
    else if (this.#held.length < mostHeld) this.#held.push(text);
    else this.close('flooding');
  }

  onBinary(): void {
    this.close('not-text');
  }

  #take(text: string): void {
    const message = read(text);
    if (typeof message === 'string') this.close(message);
    else if (!this.actor && message.op !== 'authenticate') this.close('authentication-missing');
    else this.#perform(message);
  }

  #perform(message: RawMessage): void {
    const schema: z.ZodType = clientMessages[message.op];
    const perform = operations[message.op] as (session: Session, message: unknown) => void | Promise<void>;
    try {
      const done = perform(this, parse(schema, message));
      if (done) done.catch((error: unknown) => this.refuse(message, error));
    } catch (error) {
      this.refuse(message, error);
    }
  }

  /** Tells the client why its message was refused. */
  refuse(message: RawMessage, error: unknown): void {
    const problem = toProblem(error);
    const { op } = message;
    const { code } = problem;
    if (code === 'internal') this.context.logger.error({ err: error }, 'a message could not be handled');
    else if (isDenial(problem.status)) this.context.logger.info({ op, code }, 'access was denied');
    this.send({
      op: 'error',
      ...(typeof message.id === 'string' && { id: message.id }),
      ...(typeof message.feed === 'string' && { feed: message.feed }),
      problem,
    });
  }

  // Authentication

  async authenticate(credential: { readonly token: string } | { readonly ticket: string }): Promise<void> {
    const { authenticator } = this.context;
    this.#held = [];
    try {
      const authenticated =
        'ticket' in credential
          ? await authenticator.authenticateTicket(credential.ticket)
          : await authenticator.authenticate(credential.token);
      if (!this.closed) this.#authenticated(authenticated);
    } catch (error) {
      const { logger } = this.context;
      const denied = error instanceof Unauthenticated;
      if (denied) logger.info({ op: 'authenticate', code: 'unauthenticated' }, 'access was denied');
      else logger.error({ err: error }, 'no access token can be checked');
      this.close(denied ? 'unauthenticated' : 'busy');
    }
  }

  #authenticated(authenticated: AuthSession): void {
    const { actor, expiresAt } = authenticated;
    if (!this.context.sessions.admit(this, actor.id)) {
      this.close('too-many-sockets');
      return;
    }
    this.#continue(authenticated);
    this.send({ op: 'authenticated', personId: actor.id, expiresAt: new Date(expiresAt).toISOString() });
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const text of held) if (!this.closed) this.#take(text);
  }

  #continue(authSession: AuthSession): void {
    this.#authSession = authSession;
    const expiry = performance.now() + authSession.expiresAt - Date.now();
    const lifetimeEnd = this.#openedAt + this.context.limits.lifetimeMs;
    this.deadline =
      expiry <= lifetimeEnd ? { at: expiry, cause: 'session-expired' } : { at: lifetimeEnd, cause: 'lifetime-over' };
  }

  /** Looks whether the session still lives, and as what: something has happened to the account. */
  async recheck(): Promise<void> {
    if (!this.#authSession || this.closed) return;
    try {
      const now = await this.context.authenticator.check(this.#authSession);
      if (this.closed) return;
      if (typeof now === 'string') this.close(causeOf[now]);
      else this.#continue(now);
    } catch (error) {
      this.failed(error);
    }
  }

  // Subscriptions

  stalled(): void {
    this.stalledSince ??= performance.now();
  }

  onDrain(): void {
    if (this.socket.backlog > this.context.limits.drainedBytes) return;
    this.stalledSince = undefined;
    for (const subscription of this.subscriptions.values()) {
      if (subscription instanceof Subscription && subscription.state === 'behind') void subscription.catchUp();
    }
  }

  ended(subscription: Subscription): void {
    const { feed } = subscription;
    this.subscriptions.delete(feed.name);
    this.context.feeds.release(feed);
    this.send({ op: 'unsubscribed', feed: feed.name, problem: problemOf('not-found') });
  }

  failed(error: unknown): void {
    this.context.logger.error({ err: error }, 'a feed could not be read');
    this.close('log-unreachable');
  }

  /** Leaves a feed, whether it is followed already or still being opened. */
  leave(name: string): void {
    const subscription = this.subscriptions.get(name);
    this.subscriptions.delete(name);
    if (!(subscription instanceof Subscription)) return;
    subscription.feed.leave(subscription);
    this.context.feeds.release(subscription.feed);
  }

  onClose(): void {
    if (this.closed) return;
    this.closed = true;
    for (const name of this.subscriptions.keys()) this.leave(name);
    this.context.sessions.remove(this);
    this.context.attendance.closed(this);
  }
}

const causeOf: Readonly<Record<Ending, CloseCause>> = {
  ended: 'logged-out',
  expired: 'session-expired',
  deactivated: 'banned',
};

/** A message whose op is known; the rest is not checked yet. */
interface RawMessage {
  readonly op: ClientOp;
  readonly id?: unknown;
  readonly feed?: unknown;
}

/** The message, or why it ends the connection. */
function read(text: string): RawMessage | CloseCause {
  let message: { op?: unknown } | null;
  try {
    message = JSON.parse(text);
  } catch {
    return 'not-json';
  }
  const op = message?.op;
  return typeof op === 'string' && Object.hasOwn(clientMessages, op) ? (message as RawMessage) : 'not-a-message';
}
