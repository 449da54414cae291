import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

/** To hash the password at a cost, or to compare it with a hash. */
export type BcryptTask = { readonly password: string } & ({ readonly cost: number } | { readonly hash: string });

export type BcryptAnswer = { readonly result: string | boolean } | { readonly error: Error };

/**
 * bcrypt on threads of its own, to which the system gives what others leave: on libuv's threads, it would share the cores
 * with the event loop as an equal, and everybody who is in already would wait for those who guess passwords.
 */
export class BcryptThreads {
  readonly #idle: Worker[] = [];

  /** @param cost - logarithm of the rounds */
  async hash(password: string, cost: number): Promise<string> {
    return (await this.#run({ password, cost })) as string;
  }

  async compare(password: string, hash: string): Promise<boolean> {
    return (await this.#run({ password, hash })) as boolean;
  }

  /** As many threads as tasks at once, kept for the next ones. */
  async #run(task: BcryptTask): Promise<string | boolean> {
    const thread = this.#idle.pop() ?? new Worker(new URL('./bcrypt-thread.js', import.meta.url));
    // What is asked of it keeps the process alive, a thread that waits does not.
    thread.ref();
    thread.postMessage(task);
    const [answer] = (await once(thread, 'message')) as [BcryptAnswer];
    thread.unref();
    this.#idle.push(thread);
    if ('error' in answer) throw answer.error;
    return answer.result;
  }
}
