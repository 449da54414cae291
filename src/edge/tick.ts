/** Numbers the turns of the event loop in which it is asked. */
export class Tick {
  #number = 0;
  #armed = false;

  now(): number {
    if (!this.#armed) {
      this.#armed = true;
      setImmediate(() => {
        this.#armed = false;
        this.#number += 1;
      });
    }
    return this.#number;
  }
}
