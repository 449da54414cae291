const minuteMs = 60_000;
const noon = 12 * 60;
const halfDayMs = noon * minuteMs;

/** A clock that reads this much less than before, in minutes, has gone round; by less, it was set back. */
const roundAfter = 6 * 60;

/**
 * The time of a transcript, of which its lines tell hours and minutes only. Their order decides: time never goes back.
 *
 * Some logs read a clock of 12 hours without saying which half of the day it is (Ubuntu's until 2007): such a clock
 * goes round at noon as well. A reading of 13:00 or later shows a clock of 24 hours.
 */
export class TranscriptClock {
  #now: number;
  #roundsMs = 0;
  #reading: number | undefined;
  #hours: 12 | 24 = 12;

  /** @param startOfDay - ms since 1970 */
  constructor(private readonly startOfDay: number) {
    this.#now = startOfDay;
  }

  /** ms since 1970, of the last line that carried a time */
  get now(): number {
    return this.#now;
  }

  /** @param minute - the reading of the next line, in minutes since midnight */
  read(minute: number): void {
    if (minute >= noon + 60) this.#hours = 24;
    if (this.#reading !== undefined && this.#reading - minute > roundAfter) {
      this.#roundsMs += this.#hours === 24 ? 2 * halfDayMs : halfDayMs;
    }
    this.#reading = minute;
    this.#now = Math.max(this.#now, this.startOfDay + this.#roundsMs + minute * minuteMs);
  }
}
