/** How read models are read, by the queries of `src/api` and the feed views beside the folds. */

export type Document = Readonly<Record<string, unknown>>;

export interface Query {
  /** Equality on fields of an index: others are refused. */
  readonly where?: Readonly<Record<string, string | number | boolean | null>>;
  /** Keep only ids within these bounds: the cheapest query, where ids are made to be in order. */
  readonly idAfter?: string;
  readonly idBefore?: string;
  /** Field of an index to order by (ties by id); the id unless told. */
  readonly orderBy?: string;
  readonly descending?: boolean;
  /** Continue behind the document with this value of `orderBy` and this id. */
  readonly after?: { readonly value: string | number; readonly id: string };
  readonly limit: number;
}

export interface Found<T = Document> {
  readonly id: string;
  readonly document: T;
}

/** Queries of live generations. A collection's name is unique across projections. */
export interface Reader {
  get<T = Document>(collection: string, id: string): Promise<T | undefined>;
  getMany<T = Document>(collection: string, ids: readonly string[]): Promise<Map<string, T>>;
  find<T = Document>(collection: string, query: Query): Promise<Found<T>[]>;
}
