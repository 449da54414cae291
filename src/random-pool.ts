import { randomFillSync } from 'node:crypto';

/** Random bytes in pieces of one size, drawn for many pieces at once: a draw costs more than most uses of a piece. */
export class RandomPool {
  readonly #bytes: Buffer;
  #used: number;

  constructor(
    private readonly pieceBytes: number,
    pieces: number,
  ) {
    this.#bytes = Buffer.allocUnsafe(pieces * pieceBytes);
    this.#used = this.#bytes.length;
  }

  /** The piece is overwritten at a later draw: it is to be used, or copied, at once. */
  next(): Buffer {
    if (this.#used === this.#bytes.length) {
      randomFillSync(this.#bytes);
      this.#used = 0;
    }
    this.#used += this.pieceBytes;
    return this.#bytes.subarray(this.#used - this.pieceBytes, this.#used);
  }
}
