import { setTimeout as delay } from 'node:timers/promises';
import { CommandTimeout, ParleyClient, ProblemError } from '../../client/index.js';
import type { Random } from '../fixtures/random.js';
import type { Failure, History, PostAttempt, Subscription } from './history.js';

/** People at their clients while the server under them is killed again and again. */

export interface Person {
  readonly id: string;
  token: string;
  refreshToken: string;
}

interface Command {
  readonly method: 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  readonly key: string;
  readonly attempt?: PostAttempt;
}

/** Every request is answered by then, in ms, if only by a refusal. */
const answerMs = 60_000;

/** A person's commands over HTTP, one after the other, each with a key of its own. */
export class Commander {
  /** Commands that nobody knows the outcome of: to be sent again under their keys. */
  readonly #unanswered: Command[] = [];
  #count = 0;

  constructor(
    private readonly url: string,
    private readonly person: Person,
    private readonly people: readonly Person[],
    private readonly channels: readonly string[],
    private readonly random: Random,
    private readonly history: Pick<History, 'attempts' | 'failures'>,
  ) {}

  /** Sends commands until it is told to stop. */
  async work(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const again = this.#unanswered.length > 0 && this.random.next() < 0.5;
      await this.#send(again ? (this.#unanswered.shift() as Command) : this.#next());
      if (this.#unanswered.length > 0 && !signal.aborted) await delay(5);
    }
  }

  /** Asks again for every outcome that is not known. */
  async settle(): Promise<void> {
    while (this.#unanswered.length > 0) await this.#send(this.#unanswered.shift() as Command);
  }

  #next(): Command {
    this.#count += 1;
    const key = `${this.person.id}-${this.#count}`;
    const channel = this.random.pick(this.channels);
    const base = { key, method: 'POST' } as const;
    const chance = this.random.next();
    if (chance < 0.05) return { ...base, path: `channels/${channel}/join` };
    if (chance < 0.08) return { ...base, path: `channels/${channel}/leave` };
    if (chance < 0.11) return { ...base, path: `channels/${channel}/members`, body: { personId: this.#other() } };
    if (chance < 0.14) return { key, method: 'DELETE', path: `channels/${channel}/members/${this.#other()}` };
    if (chance < 0.16) return { ...base, path: 'auth/register', body: newcomer(key) };
    if (chance < 0.19)
      return { key, method: 'DELETE', path: `channels/${channel}/messages/${this.random.between(0, 200)}` };
    const attempt: PostAttempt = {
      feed: `channel-${channel}`,
      text: `said ${key}`,
      outcome: 'unknown',
      acknowledged: [],
    };
    this.history.attempts.push(attempt);
    return { ...base, path: `channels/${channel}/messages`, body: { text: attempt.text }, attempt };
  }

  #other(): string {
    return this.random.pick(this.people).id;
  }

  async #send(command: Command): Promise<void> {
    const answer = await this.#request(command);
    if (answer === undefined || answer.status >= 500) {
      if (answer) this.history.failures.push({ status: answer.status, code: (answer.body as Failure).code });
      this.#unanswered.push(command);
      return;
    }
    const { attempt } = command;
    if (!attempt) return;
    attempt.outcome = answer.status < 400 ? 'ok' : 'refused';
    if (attempt.outcome === 'ok') attempt.acknowledged.push(answer.body as { revision: number; position: string });
  }

  /**
   * @returns undefined if the server could not be reached, or was gone before it had answered
   * @throws {Error} if it is there and does not answer
   */
  async #request({ method, path, body, key }: Command): Promise<{ status: number; body: unknown } | undefined> {
    try {
      const response = await fetch(`${this.url}/api/v1/${path}`, {
        method,
        headers: {
          authorization: `Bearer ${this.person.token}`,
          'idempotency-key': key,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(answerMs),
      });
      return { status: response.status, body: await response.json() };
    } catch (error) {
      if ((error as Error).name === 'TimeoutError') throw new Error(`no answer to ${method} ${path} of ${this.url}`);
      return undefined;
    }
  }
}

/** Someone whose keys are made with the account. */
function newcomer(key: string): unknown {
  return { email: `${key}@example.org`, name: 'Newcomer', password: 'correct horse battery' };
}

/** A person's posts over a socket, one after the other, each with a key of its own. */
export class SocketPoster {
  readonly #client: ParleyClient;
  #unanswered: PostAttempt | undefined;
  #count = 0;

  constructor(
    server: { readonly url: string; readonly socketUrl: string },
    private readonly person: Person,
    private readonly channels: readonly string[],
    private readonly random: Random,
    private readonly attempts: PostAttempt[],
  ) {
    this.#client = new ParleyClient({ ...server, accessToken: person.token, longestBackoffMs: 400 });
  }

  /** Posts until it is told to stop. */
  async work(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) await this.#post(this.#unanswered ?? this.#next());
  }

  /** Asks again where the outcome is not known. */
  async settle(): Promise<void> {
    while (this.#unanswered) await this.#post(this.#unanswered);
    this.#client.close();
  }

  #next(): PostAttempt {
    this.#count += 1;
    const feed = `channel-${this.random.pick(this.channels)}`;
    const text = `said ${this.person.id} over a socket, ${this.#count}`;
    const attempt: PostAttempt = { feed, text, outcome: 'unknown', acknowledged: [] };
    this.attempts.push(attempt);
    return attempt;
  }

  async #post(attempt: PostAttempt): Promise<void> {
    const { feed, text } = attempt;
    const input = { channelId: feed.slice('channel-'.length), text };
    this.#unanswered = attempt;
    try {
      // Shorter than the client's own patience with a silent connection: it is sent again under its key.
      const options = { idempotencyKey: text, timeoutMs: 10_000 };
      attempt.acknowledged.push(await this.#client.command('conversations.PostMessage', input, options));
      attempt.outcome = 'ok';
    } catch (error) {
      if (error instanceof CommandTimeout) return;
      if (!(error instanceof ProblemError)) throw error;
      attempt.outcome = 'refused';
    }
    this.#unanswered = undefined;
  }
}

/** Follows a feed from its beginning for a person; begins anew whenever the person may follow it again. */
export class Follower {
  readonly #client: ParleyClient;
  #current: Subscription | undefined;
  #stopped = false;
  /** The server has answered the subscription since this was set to false. */
  answered = false;

  constructor(
    server: { readonly url: string; readonly socketUrl?: string },
    private readonly person: Person,
    readonly feed: string,
    private readonly recorded: Subscription[],
  ) {
    this.#client = new ParleyClient({ ...server, accessToken: person.token, longestBackoffMs: 400 });
    this.#follow();
  }

  #follow(): void {
    const subscription: Subscription = { feed: this.feed, person: this.person.id, live: false, frames: [] };
    this.#current = subscription;
    this.recorded.push(subscription);
    this.#client.subscribe(this.feed, {
      from: 0,
      onSubscribed: () => {
        subscription.live = true;
        this.answered = true;
      },
      onFrame: ({ revision, data }) => {
        const { text } = data as { text?: string };
        subscription.frames.push({ revision, bare: false, ...(text === undefined ? {} : { text }) });
      },
      onBareFrame: ({ revision }) => subscription.frames.push({ revision, bare: true }),
      onEnd: () => {
        subscription.live = false;
        this.answered = true;
        if (!this.#stopped) setTimeout(() => !this.#stopped && this.#follow(), 100);
      },
    });
  }

  /** How many frames the present subscription has got. */
  get frames(): number {
    return this.#current?.frames.length ?? 0;
  }

  /** Whether the present subscription is to get everything. */
  get isLive(): boolean {
    return this.#current?.live ?? false;
  }

  stop(): void {
    this.#stopped = true;
    const live = this.isLive;
    this.#client.close();
    // Closing ends the subscription here; it was still to get everything.
    if (this.#current) this.#current.live = live;
  }
}
