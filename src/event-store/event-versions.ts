import type { AnyEventDefinition } from '../../domain/event.js';
import { UnknownEvent } from './codec.js';

/** @throws {UnknownEvent} */
export function definitionOf(definitions: ReadonlyMap<string, AnyEventDefinition>, type: string): AnyEventDefinition {
  const definition = definitions.get(type);
  if (!definition) throw new UnknownEvent(`no event type ${type} is declared: was it written by a newer Parley?`);
  return definition;
}

/**
 * Brings data of an old version of its type up to the current one.
 * @throws {UnknownEvent} if the version is not one that the definition knows
 */
export function upcast({ type, version, upcasters }: AnyEventDefinition, data: unknown, stored: string): unknown {
  if (stored === String(version)) return data;
  const from = Number(stored);
  if (!(Number.isInteger(from) && from >= 1 && from < version)) {
    throw new UnknownEvent(`${type} is stored in version ${stored}, this Parley knows ${version}`);
  }
  let current = data;
  for (const upcaster of upcasters.slice(from - 1, version - 1)) current = upcaster(current as never);
  return current;
}
