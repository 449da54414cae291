import type { Random } from '../fixtures/random.js';
import { type NatsMessage, NatsMessages } from './nats-messages.js';

/** Most messages that pass one that is held back. */
const longestHold = 40;

/**
 * What is published over NATS comes, while it is faulty, never, twice or after later ones: more than NATS itself may do,
 * and what edges must be able to stand.
 */
export class FaultyDelivery {
  faulty = false;

  constructor(private readonly random: Random) {}

  /** For one connection: bytes from the server, and what of them goes on to the client. */
  alteration(): (data: Buffer) => Buffer {
    const messages = new NatsMessages();
    /** Those that are held back, and how many may still pass them. */
    let held: { readonly message: NatsMessage; passing: number }[] = [];
    return (data) => {
      const out: Buffer[] = [];
      for (const message of messages.take(data)) {
        for (const copy of this.#fateOf(message)) {
          if (copy === 0) out.push(message.bytes);
          else held.push({ message, passing: copy });
        }
        for (const each of held) each.passing -= 1;
        const due = held.filter(({ passing }) => passing < 0 || !this.faulty);
        held = held.filter((each) => !due.includes(each));
        out.push(...due.map((each) => each.message.bytes));
      }
      return Buffer.concat(out);
    };
  }

  /** For each time that the message comes, how many others pass it. */
  #fateOf({ subject }: NatsMessage): readonly number[] {
    if (!this.faulty || !isNews(subject)) return [0];
    const later = () => this.random.between(1, longestHold);
    const chance = this.random.next();
    if (chance < 0.2) return [];
    if (chance < 0.35) return [0, 0];
    if (chance < 0.45) return [0, later()];
    if (chance < 0.65) return [later()];
    return [0];
  }
}

/** What is told to all. Questions and answers are not doubled by NATS: nobody's outcome would be known. */
function isNews(subject: string | undefined): boolean {
  return /^[^.]+\.(feed\..+|announcements|watched)$/.test(subject ?? '');
}
