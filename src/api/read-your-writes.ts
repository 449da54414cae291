import { GrowingCache } from '../growing-cache.js';
import { Refused } from '../problems.js';
import type { Positions } from '../read-store/positions.js';

/** How long a query waits for the position that its caller names, in ms. */
const patience = 2_000;
/** How long it waits for what the caller has written through this process, in ms. */
const politePatience = 250;

/** Lets callers read what they have written, although read models come after the log. */
export class ReadYourWrites {
  readonly #written = new GrowingCache<string, bigint>(50_000);

  constructor(private readonly positions: Positions) {}

  remember(person: string, position: string): void {
    const written = BigInt(position);
    if (written > (this.#written.get(person) ?? 0n)) this.#written.set(person, written);
  }

  /**
   * Waits until the projections hold what the caller has written.
   * @param named - the position that the caller asks for
   * @returns false if the answer may lack something
   * @throws {Refused} if the position asked for is not reached in time
   */
  async wait(person: string, named: bigint | undefined, projections: readonly string[]): Promise<boolean> {
    if (named !== undefined) {
      if (await this.positions.waitFor(projections, named, patience)) return true;
      throw new Refused('projection-behind');
    }
    const written = this.#written.get(person);
    return written === undefined || this.positions.waitFor(projections, written, politePatience);
  }
}
