import { setTimeout as delay } from 'node:timers/promises';
import { Inject } from '@nestjs/common';
import { mayFollow } from '../../domain/access.js';
import { loadAccess, type PersonalAccess } from '../../projections/access/access.js';
import type { Reader } from '../../projections/reader.js';
import { ProjectionBehind } from '../commands/port.js';
import { Refused } from '../problems.js';
import type { ReadStore } from '../read-store/port.js';
import { READ_STORE } from './tokens.js';

/** One projection may be ahead of another for a moment. */
const mostTries = 5;
const retryMs = 20;

/** What every query's handler does: read the read models, and again where one was ahead of what is known of the access. */
export abstract class ReadingHandler<Query, Answer> {
  constructor(@Inject(READ_STORE) private readonly readStore: ReadStore) {}

  async execute(query: Query): Promise<Answer> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.readStore.read((reader) => this.read(reader, query));
      } catch (error) {
        if (!(error instanceof ProjectionBehind) || tries === mostTries) throw error;
        await delay(retryMs);
      }
    }
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

/**
 * A document of a feed, if it tells nothing beyond what is known of the access: the person may have been removed since.
 * @throws {ProjectionBehind}
 */
export function within<T extends { readonly revision: number }>(
  { access }: PersonalAccess,
  document: T | undefined,
): T | undefined {
  if (document && document.revision > access.revision) throw new ProjectionBehind();
  return document;
}
