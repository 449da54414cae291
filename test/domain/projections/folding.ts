import { events } from '../../../domain/catalogue.js';
import type { RecordedEvent } from '../../../domain/event.js';
import { erasure, type Projection } from '../../../projections/projection.js';

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
    forget(projection, event, documents);
  }
  const sorted = [...documents].sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.parse(JSON.stringify(Object.fromEntries(sorted))) as Documents;
}

/** Takes what is personal to someone who is forgotten by the event from every document. */
function forget({ collections }: Projection, event: RecordedEvent, documents: ReadonlyMap<string, unknown>): void {
  const forgets = events.get(event.type)?.forgets;
  if (forgets === undefined) return;
  const person = (event.data as Record<string, string>)[forgets] as string;
  for (const { name, personal = {} } of collections) {
    for (const [field, fields] of Object.entries(personal)) {
      const { fold } = erasure(field, person, fields);
      for (const [key, document] of documents) if (key.startsWith(`${name}/`)) fold(document, event, key);
    }
  }
}
