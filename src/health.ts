/** What the process can say of itself to whoever watches it. */
export class Health {
  #draining = false;
  readonly #checks = new Map<string, () => string | undefined>();

  /** @param check - what is wrong with this part, or undefined; called often, must be quick */
  watch(part: string, check: () => string | undefined): void {
    this.#checks.set(part, check);
  }

  /** From now on nobody should send anything new here. */
  drain(): void {
    this.#draining = true;
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** What is wrong, by part. */
  faults(): Record<string, string> {
    const faults: Record<string, string> = this.#draining ? { process: 'about to stop' } : {};
    for (const [part, check] of this.#checks) {
      const fault = check();
      if (fault !== undefined) faults[part] = fault;
    }
    return faults;
  }
}
