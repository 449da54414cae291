import type { RecordedEvent } from '../../../domain/event.js';
import type { Projection } from '../../../projections/projection.js';

/** Documents by `<collection>/<id>`, as JSON holds them. */
export type Documents = Record<string, unknown>;

/** What a projection makes of a history: the plainest way to fold, which every other way must agree with. */
export function fold(projection: Projection, history: readonly RecordedEvent[]): Documents {
  const documents = new Map<string, unknown>();
  for (const event of history) {
    for (const { name, folds } of projection.collections) {
      for (const each of [folds.get(event.type), folds.get('*')]) {
        for (const id of each?.ids(event) ?? []) {
          const key = `${name}/${id}`;
          const document = each?.fold(each.fresh ? undefined : documents.get(key), event, id);
          if (document === undefined) documents.delete(key);
          else documents.set(key, document);
        }
      }
    }
  }
  const sorted = [...documents].sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.parse(JSON.stringify(Object.fromEntries(sorted))) as Documents;
}
