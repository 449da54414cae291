/** One message of NATS' protocol, as a server sends it to a client. */
export interface NatsMessage {
  /** Undefined of what is not published by anybody: PING, INFO and the like. */
  readonly subject: string | undefined;
  readonly bytes: Buffer;
}

const lineEnd = '\r\n';

/** Cuts what a server of NATS sends into messages, however it was split on its way. */
export class NatsMessages {
  #rest: Buffer = Buffer.alloc(0);

  /** @returns the messages that are complete with these bytes */
  take(data: Buffer): NatsMessage[] {
    this.#rest = Buffer.concat([this.#rest, data]);
    const messages: NatsMessage[] = [];
    for (let message = this.#next(); message; message = this.#next()) messages.push(message);
    return messages;
  }

  #next(): NatsMessage | undefined {
    const lineLength = this.#rest.indexOf(lineEnd) + lineEnd.length;
    if (lineLength < lineEnd.length) return undefined;
    const words = this.#rest.toString('latin1', 0, lineLength).trim().split(/\s+/);
    const isPublished = words[0] === 'MSG' || words[0] === 'HMSG';
    // The last word is the length of what follows: headers and payload.
    const length = lineLength + (isPublished ? Number(words.at(-1)) + lineEnd.length : 0);
    if (this.#rest.length < length) return undefined;
    const bytes = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    return { subject: isPublished ? words[1] : undefined, bytes };
  }
}
