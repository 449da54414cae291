import { Inject } from '@nestjs/common';
import { mayFollow } from '../../domain/access.js';
import { loadAccess, type PersonalAccess } from '../../projections/access/access.js';
import type { Reader } from '../../projections/reader.js';
import { Refused } from '../problems.js';
import type { ReadStore } from '../read-store/port.js';
import { READ_STORE } from './tokens.js';

/** What every query's handler does: read one moment of the read models. */
export abstract class ReadingHandler<Query, Answer> {
  constructor(@Inject(READ_STORE) private readonly readStore: ReadStore) {}

  execute(query: Query): Promise<Answer> {
    return this.readStore.read((reader) => this.read(reader, query));
  }

  protected abstract read(reader: Reader, query: Query): Promise<Answer>;
}

/**
 * What a person may see of a feed; asked before anything of it is read.
 * @throws {Refused} if there is no such feed
 */
export async function accessTo(reader: Reader, feed: string, person: string): Promise<PersonalAccess> {
  const loaded = await loadAccess(reader, feed, person);
  if (!loaded) throw new Refused('not-found');
  return loaded;
}

/** @throws {Refused} if there is no such feed or the person may not follow it */
export async function accessToFollow(reader: Reader, feed: string, person: string): Promise<PersonalAccess> {
  const loaded = await accessTo(reader, feed, person);
  if (!mayFollow(loaded.access, loaded.membership)) throw new Refused('not-found');
  return loaded;
}
