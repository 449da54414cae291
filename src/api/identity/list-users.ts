import { Query, QueryHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import type { Actor } from '../../../domain/decider.js';
import { may, platformRoles } from '../../../domain/permissions.js';
import type { Account } from '../../../projections/identity/accounts.js';
import type { Reader } from '../../../projections/reader.js';
import { Refused } from '../../problems.js';
import { decodeCursor } from '../cursor.js';
import { ReadingHandler } from '../query.js';
import { type List, page, pageOf } from '../replies.js';
import { accountOf, loadProfiles, profileOf, type UserInList } from './account-view.js';

/** When the last person of the page before registered, and who that was. */
const place = z.tuple([z.iso.datetime(), z.string()]);

export const usersFilter = page.extend({
  role: z.enum(platformRoles).optional(),
  status: z.enum(['active', 'deactivated', 'forgotten']).optional(),
});
export type UsersFilter = z.infer<typeof usersFilter>;

/** Accounts in the order of their registration, newest first; for those who may read accounts. */
export class ListUsers extends Query<List<UserInList>> {
  constructor(
    readonly actor: Actor,
    readonly filter: UsersFilter,
  ) {
    super();
  }
}

@QueryHandler(ListUsers)
export class ListUsersHandler extends ReadingHandler<ListUsers, List<UserInList>> {
  protected async read(reader: Reader, { actor, filter }: ListUsers): Promise<List<UserInList>> {
    if (!may(actor, 'accounts.read')) throw new Refused('forbidden');
    const { limit, cursor, role, status } = filter;
    const after = cursor === undefined ? undefined : decodeCursor(cursor, place);
    const found = await reader.find<Account>('accounts', {
      where: { ...(role && { role }), ...(status && { status }) },
      orderBy: 'registeredAt',
      descending: true,
      ...(after && { after: { value: after[0], id: after[1] } }),
      limit: limit + 1,
    });
    const { shown, next } = pageOf(found, limit, ({ id, document }) => [document.registeredAt, id]);
    const profiles = await loadProfiles(
      reader,
      shown.map(({ id }) => id),
    );
    const items = shown.map(({ id, document }) => ({ ...profileOf(id, profiles.get(id)), ...accountOf(document) }));
    return { items, next };
  }
}
