import { type Filter, streamNameFilter } from '@kurrent/kurrentdb-client';

/**
 * Our part of a log that others may write to as well: the streams whose names begin with the namespace and a dot. The
 * server picks them out for reads of the whole log and subscriptions, which so leave out its own streams, too. No
 * namespace has a dot, so none lies within another.
 */
export class KurrentNamespace {
  readonly #prefix: string;
  readonly filter: Filter;

  constructor(namespace: string) {
    this.#prefix = `${namespace}.`;
    this.filter = streamNameFilter({ prefixes: [this.#prefix] });
  }

  /** Its name in KurrentDB. */
  nameOf(stream: string): string {
    return this.#prefix + stream;
  }

  streamOf(name: string): string {
    return name.slice(this.#prefix.length);
  }
}
