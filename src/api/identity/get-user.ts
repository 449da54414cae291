import { Query, QueryHandler } from '@nestjs/cqrs';
import type { Actor } from '../../../domain/decider.js';
import type { Account } from '../../../projections/identity/accounts.js';
import type { Profile } from '../../../projections/identity/people.js';
import type { Reader } from '../../../projections/reader.js';
import { Refused } from '../../problems.js';
import { ReadingHandler } from '../query.js';
import { accountOf, mayReadAccount, profileOf, type UserView } from './account-view.js';

/** A person: their profile, and their account where the caller may read it. */
export class GetUser extends Query<UserView> {
  constructor(
    readonly personId: string,
    readonly actor: Actor,
  ) {
    super();
  }
}

@QueryHandler(GetUser)
export class GetUserHandler extends ReadingHandler<GetUser, UserView> {
  protected async read(reader: Reader, { personId, actor }: GetUser): Promise<UserView> {
    const profile = await reader.get<Profile>('people', personId);
    if (!profile) throw new Refused('not-found');
    const account = mayReadAccount(actor, personId) ? await reader.get<Account>('accounts', personId) : undefined;
    return { ...profileOf(personId, profile), ...(account && { account: accountOf(account) }) };
  }
}
