import { Inject } from '@nestjs/common';
import { type IQueryHandler, Query, QueryHandler } from '@nestjs/cqrs';
import type { Actor } from '../../../domain/decider.js';
import type { AddressRule } from '../../../domain/identity/platform-security.js';
import { may } from '../../../domain/permissions.js';
import { LiveAddressRules } from '../../auth/address-rules.js';
import { Refused } from '../../problems.js';

/** The rules of addresses, in the order in which they were made; for those who may make them. */
export class ListAddressRules extends Query<readonly AddressRule[]> {
  constructor(readonly actor: Actor) {
    super();
  }
}

@QueryHandler(ListAddressRules)
export class ListAddressRulesHandler implements IQueryHandler<ListAddressRules> {
  constructor(@Inject(LiveAddressRules) private readonly addressRules: LiveAddressRules) {}

  async execute({ actor }: ListAddressRules): Promise<readonly AddressRule[]> {
    if (!may(actor, 'addresses.rule')) throw new Refused('forbidden');
    return this.addressRules.list();
  }
}
