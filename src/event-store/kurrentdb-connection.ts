import { KurrentDBClient } from '@kurrent/kurrentdb-client';
import { ServerUnavailable } from '../server-unavailable.js';
import type { KurrentAddress } from './kurrentdb-address.js';
import { CallTimedOut, describeFailure, isAnswer, type Meaning, meaningOf } from './kurrentdb-errors.js';

/** The client reads over one connection and appends over another, which fail and recover apart. */
type Kind = 'reads' | 'appends';

type Call<T> = (client: KurrentDBClient) => Promise<T>;

interface Session {
  readonly client: KurrentDBClient;
  /** When the server last answered, by the clock that only rises, in ms; undefined if it never did. */
  readonly answeredAt: Record<Kind, number | undefined>;
}

/**
 * The client, with a deadline of our own around every call: the client's don't hold for all of them. A client that does
 * not recover by itself gives way to a new one.
 */
export class KurrentConnection {
  #session: Session;
  #closed = false;
  #fault: string | undefined;

  /** @param onWarning - told when the server no longer answers, and when it does again */
  constructor(
    private readonly address: KurrentAddress,
    private readonly onWarning: (message: string) => void,
  ) {
    this.#session = this.#connect();
  }

  /** Why the last call was not answered; undefined if it was. */
  get fault(): string | undefined {
    return this.#fault;
  }

  /** What people may be told of it. */
  get place(): string {
    return this.address.place;
  }

  /** For subscribing; may be another one after a failed call. */
  get client(): KurrentDBClient {
    return this.#session.client;
  }

  read<T>(deadlineMs: number, call: Call<T>): Promise<T> {
    return this.#call('reads', (client) => within(deadlineMs, call(client)));
  }

  /**
   * As `read`, for what the server may need long for: not given up as long as it answers something else.
   * @param askElse - for what is answered at once
   */
  search<T>(deadlineMs: number, call: Call<T>, askElse: Call<unknown>): Promise<T> {
    return this.#call('reads', (client) => whileAnswering(deadlineMs, call(client), () => askElse(client)));
  }

  append<T>(deadlineMs: number, call: Call<T>): Promise<T> {
    return this.#call('appends', (client) => within(deadlineMs, call(client)));
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.client.dispose();
  }

  async #call<T>(kind: Kind, call: Call<T>): Promise<T> {
    const session = this.#session;
    const begun = performance.now();
    try {
      const result = await call(session.client);
      this.#noteAnswer(session, kind);
      return result;
    } catch (error) {
      const meaning = meaningOf(error);
      if (isAnswer(meaning)) this.#noteAnswer(session, kind);
      else this.#noteFailure(describeFailure(error));
      if (isBeyondRecovery(meaning, kind, session, begun)) this.#replace(session);
      throw error;
    }
  }

  #noteAnswer(session: Session, kind: Kind): void {
    session.answeredAt[kind] = performance.now();
    if (this.#fault !== undefined) this.onWarning(`KurrentDB at ${this.place} answers again`);
    this.#fault = undefined;
  }

  #noteFailure(why: string): void {
    if (this.#closed) return;
    if (this.#fault === undefined)
      this.onWarning(`KurrentDB at ${this.place} does not answer, and is asked again: ${why}`);
    this.#fault = why;
  }

  #connect(): Session {
    const client = connect(this.address);
    return { client, answeredAt: { reads: undefined, appends: undefined } };
  }

  #replace(session: Session): void {
    if (this.#closed || session !== this.#session) return;
    this.#session = this.#connect();
    void session.client.dispose().catch(() => {});
  }
}

let clientsMade = 0;

/**
 * gRPC lets clients of the same options share a connection, also one whose other end is gone: no two have the same.
 * @throws {ServerUnavailable} without what the client says, which quotes the string
 */
function connect({ connectionString, keepAliveTimeoutMs, place }: KurrentAddress): KurrentDBClient {
  clientsMade += 1;
  try {
    return KurrentDBClient.connectionString(`${connectionString}&keepAliveTimeout=${keepAliveTimeoutMs + clientsMade}`);
  } catch {
    throw new ServerUnavailable(`KurrentDB at ${place} can't be used: do the files that its URL names exist?`);
  }
}

function isBeyondRecovery(meaning: Meaning, kind: Kind, { answeredAt }: Session, begun: number): boolean {
  switch (meaning) {
    // Both connections are made anew by the client; but one whose first read has failed never reads again.
    case 'disconnected':
      return kind === 'reads' && answeredAt.reads === undefined;
    // The other end may be gone without a word. A server that is only slow has answered something else meanwhile.
    case 'unanswered':
      return (answeredAt[kind] ?? 0) < begun;
    // The client keeps the answer about what the server can, and if that was an error, gives it to every append.
    case 'unclear':
      return true;
    default:
      return false;
  }
}

function within<T>(deadlineMs: number, call: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new CallTimedOut(deadlineMs)), deadlineMs);
    call.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** How long to wait for a search before something else is asked for, in ms. */
const unaskedMs = 1_000;

async function whileAnswering<T>(deadlineMs: number, call: Promise<T>, askElse: () => Promise<unknown>): Promise<T> {
  for (;;) {
    try {
      return await within(unaskedMs, call);
    } catch (error) {
      if (!(error instanceof CallTimedOut)) throw error;
      await within(deadlineMs - unaskedMs, Promise.race([call, askElse()]));
    }
  }
}
