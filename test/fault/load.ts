import { onTestFinished } from 'vitest';
import { Random } from '../fixtures/random.js';
import { Commander, Follower, type Person } from './clients.js';
import type { Failure, History, PostAttempt, Subscription } from './history.js';
import { openChannels, quiet, refresh, register } from './scenario.js';

/** Four people in three channels at one server: what they do and see while something is done to it. */
export class Load implements History {
  readonly attempts: PostAttempt[] = [];
  readonly subscriptions: Subscription[] = [];
  readonly failures: Failure[] = [];
  readonly #commanders: Commander[];
  readonly #followers: Follower[];

  private constructor(
    private readonly url: string,
    private readonly people: readonly Person[],
    channels: readonly string[],
    random: Random,
  ) {
    this.#commanders = people.map(
      (person) => new Commander(url, person, people, channels, new Random(random.between(0, 1e9)), this),
    );
    this.#followers = people.flatMap((person) =>
      channels.map((channel) => new Follower({ url }, person, `channel-${channel}`, this.subscriptions)),
    );
  }

  /** Ends with the test at the latest. */
  static async begin(url: string, random: Random): Promise<Load> {
    const people = await Promise.all(['ann', 'bob', 'cyd', 'dee'].map((name) => register(url, name)));
    const load = new Load(url, people, await openChannels(url, people), random);
    onTestFinished(() => load.stop());
    return load;
  }

  /** Everybody sends commands for as long as the body takes. */
  async during(body: () => Promise<unknown>): Promise<void> {
    const working = new AbortController();
    const work = this.#commanders.map((commander) => commander.work(working.signal));
    try {
      await body();
    } finally {
      working.abort();
      await Promise.all(work);
    }
  }

  /** Has the server started, asks again for every outcome that is not known, and waits until followers have got everything. */
  async settle(start: () => Promise<unknown>): Promise<void> {
    for (const follower of this.#followers) follower.answered = false;
    await start();
    await Promise.all(this.#commanders.map((commander) => commander.settle()));
    await quiet(this.#followers);
  }

  /** Everybody goes on with their sessions. */
  async refresh(): Promise<void> {
    for (const person of this.people) await refresh(this.url, person);
  }

  stop(): void {
    for (const follower of this.#followers) follower.stop();
  }

  /** How many posts have come to this. */
  count(outcome: PostAttempt['outcome']): number {
    return this.attempts.filter((attempt) => attempt.outcome === outcome).length;
  }
}
