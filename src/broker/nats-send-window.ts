import type { NatsConnection } from '@nats-io/transport-node';

/** Most bytes on their way to a server. What is beyond would only fill the memory. */
const mostUnconfirmed = 16 * 1024 * 1024;
/** Bytes after which the server is asked whether it has got them. */
const confirmedEvery = 128 * 1024;

/** How much of what is published a server has not confirmed: a slow one must not fill the memory. */
export class SendWindow {
  #unconfirmed = 0;
  #sinceConfirmation = 0;

  constructor(private readonly connection: NatsConnection) {}

  admits(bytes: number): boolean {
    return this.#unconfirmed + bytes <= mostUnconfirmed;
  }

  sent(bytes: number): void {
    this.#unconfirmed += bytes;
    this.#sinceConfirmation += bytes;
    if (this.#sinceConfirmation < confirmedEvery) return;
    const asked = this.#sinceConfirmation;
    this.#sinceConfirmation = 0;
    this.connection.flush().then(
      () => {
        this.#unconfirmed -= asked;
      },
      // The connection has ended, and the window with it.
      () => {},
    );
  }
}
