interface Check {
  readonly check: () => string | undefined;
  readonly needed: boolean;
}

/** What the process can say of itself to whoever watches it. */
export class Health {
  #draining = false;
  readonly #checks = new Map<string, Check>();

  /** A part without which nobody should send anything here. @param check - what is wrong; called often, must be quick */
  watch(part: string, check: () => string | undefined): void {
    this.#checks.set(part, { check, needed: true });
  }

  /** A part without which the process serves, if not as well: as one that fails for all processes at once. */
  watchUseful(part: string, check: () => string | undefined): void {
    this.#checks.set(part, { check, needed: false });
  }

  /** From now on nobody should send anything new here. */
  drain(): void {
    this.#draining = true;
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** Whether the process may be sent requests. */
  get ready(): boolean {
    return Object.keys(this.#faults(({ needed }) => needed)).length === 0;
  }

  /** What is wrong, by part. */
  faults(): Record<string, string> {
    return this.#faults(() => true);
  }

  #faults(counts: (check: Check) => boolean): Record<string, string> {
    const faults: Record<string, string> = this.#draining ? { process: 'about to stop' } : {};
    for (const [part, check] of this.#checks) {
      const fault = counts(check) ? check.check() : undefined;
      if (fault !== undefined) faults[part] = fault;
    }
    return faults;
  }
}
