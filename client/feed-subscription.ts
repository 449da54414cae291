import type { BareFrame, Frame } from '../domain/frame.js';
import type { ClientMessage, ServerMessage } from '../src/edge/protocol.js';
import type { Problem } from '../src/problems.js';
import { Backoff } from './backoff.js';
import { isPassing, ProblemError } from './errors.js';

export interface SubscribeOptions {
  /** First revision wanted; with neither this nor `snapshot`, only what comes next. */
  readonly from?: number;
  /** Begin with the feed's state. */
  readonly snapshot?: boolean;
  /** Each frame once and in order. */
  onFrame(frame: Frame): void;
  /** What one may not see, where its place matters. */
  onBareFrame?(frame: BareFrame): void;
  onSnapshot?(state: unknown, revision: number): void;
  /** Frames come, from `revision + 1` on; again after each reconnect. */
  onSubscribed?(revision: number): void;
  /** No more frames come: {ProblemError} if one may not follow the feed (any longer), {ConnectionEnded} */
  onEnd?(error: Error): void;
}

/** The following of one feed over all connections: resumes behind the last frame that was handed over. */
export class FeedSubscription {
  /** Revision of the last frame; undefined before the beginning is known. */
  #cursor: number | undefined;
  #active = true;
  readonly #backoff = new Backoff();
  #retry: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly feed: string,
    private readonly options: SubscribeOptions,
    private readonly send: (message: ClientMessage) => boolean,
    /** It is over; `asked` says that the server was told to stop. */
    private readonly onOver: (asked: boolean) => void,
  ) {}

  /** Revision of the last frame that came; undefined before the beginning is known. */
  get revision(): number | undefined {
    return this.#cursor;
  }

  unsubscribe(): void {
    if (!this.#active) return;
    this.#stop();
    this.onOver(this.send({ op: 'unsubscribe', feed: this.feed }));
  }

  /** Asks for what comes after the last frame. */
  resume(): void {
    // Over one connection a feed can be asked for once.
    clearTimeout(this.#retry);
    const { from, snapshot } = this.options;
    const { feed } = this;
    if (this.#cursor !== undefined) this.send({ op: 'subscribe', feed, from: this.#cursor + 1 });
    else this.send({ op: 'subscribe', feed, ...(from !== undefined && { from }), ...(snapshot && { snapshot }) });
  }

  receive(message: ServerMessage): void {
    if (!this.#active) return;
    switch (message.op) {
      case 'event':
        this.#frame(message);
        break;
      case 'subscribed':
        this.#subscribed(message.revision);
        break;
      case 'snapshot':
        this.#cursor = message.revision;
        this.options.onSnapshot?.(message.state, message.revision);
        break;
      case 'unsubscribed':
        if (message.problem) this.#refused(message.problem);
        break;
      case 'error':
        this.#refused(message.problem);
        break;
    }
  }

  #subscribed(revision: number): void {
    this.#backoff.reset();
    // a snapshot that is to come tells where the frames begin
    if (!this.options.snapshot) this.#cursor ??= revision;
    this.options.onSubscribed?.(revision);
  }

  #frame(frame: Frame | BareFrame): void {
    if (this.#cursor === undefined || frame.revision <= this.#cursor) return;
    this.#cursor = frame.revision;
    if ('type' in frame) this.options.onFrame(frame);
    else this.options.onBareFrame?.(frame);
  }

  end(error: Error): void {
    if (!this.#active) return;
    this.#stop();
    this.options.onEnd?.(error);
  }

  #refused(problem: Problem): void {
    if (isPassing(problem)) {
      this.#retry = setTimeout(() => this.resume(), this.#backoff.next());
      return;
    }
    this.onOver(false);
    this.end(new ProblemError(problem));
  }

  #stop(): void {
    this.#active = false;
    clearTimeout(this.#retry);
  }
}
