import { Controller } from '@nestjs/common';
import { z } from 'zod';
import {
  AddAddressRule,
  type AddressRule,
  addressRuleFields,
  RemoveAddressRule,
} from '../../../domain/identity/platform-security.js';
import { uuid } from '../../../domain/ids.js';
import { AddressRules } from '../../auth/address-rules.js';
import { ApiController } from '../api-controller.js';
import type { Call } from '../call.js';
import { commandReply } from '../replies.js';
import { Route } from '../route.js';
import { ListAddressRules } from './list-address-rules.js';
import { nothing } from './schemas.js';

const fields = z.strictObject(addressRuleFields);
const ofRule = z.strictObject({ ruleId: uuid });

const said = z.object({ cidr: z.string(), action: z.enum(['allow', 'deny']), note: z.string().nullable() });
const rule = said.extend({ id: z.string(), addedAt: z.iso.datetime() });

/** From where the platform may be reached: for administrators. */
@Controller('api/v1/address-rules')
export class AddressRulesController extends ApiController {
  @Route({
    method: 'GET',
    path: '',
    summary: 'Rules of addresses that may or may not reach the platform',
    reply: z.object({ items: z.array(rule) }),
    problems: ['forbidden'],
  })
  async list({ session }: Call<object, object, undefined>) {
    return { items: await this.query<readonly AddressRule[]>(new ListAddressRules(session.actor)) };
  }

  @Route({
    method: 'POST',
    path: '',
    summary: 'Allow or deny a range of addresses; where any is allowed, all others are not',
    body: fields,
    command: AddAddressRule,
    status: 201,
    reply: commandReply.extend(said.shape),
    problems: ['forbidden', 'already-exists', 'locks-out-caller', 'too-many'],
  })
  async add(call: Call<object, object, z.infer<typeof fields>>) {
    const { body } = call;
    const locksOutCaller = await this.#locksOut(call, (rules) => [...rules, body]);
    return this.execute(AddAddressRule.type, { ...call, body: { ...body, locksOutCaller } });
  }

  @Route({
    method: 'DELETE',
    path: ':ruleId',
    summary: 'Take a rule back',
    params: ofRule,
    body: nothing,
    command: RemoveAddressRule,
    reply: commandReply,
    problems: ['forbidden', 'locks-out-caller'],
  })
  async remove(call: Call<z.infer<typeof ofRule>>) {
    const { ruleId } = call.params;
    const locksOutCaller = await this.#locksOut(call, (rules) => rules.filter(({ id }) => id !== ruleId));
    return this.execute(RemoveAddressRule.type, { ...call, body: { locksOutCaller } });
  }

  /** Whether the caller could not be reached from where they are any more, if the rules were so. */
  async #locksOut(
    { session, request }: Pick<Call, 'session' | 'request'>,
    change: (rules: readonly AddressRule[]) => readonly Pick<AddressRule, 'cidr' | 'action'>[],
  ): Promise<boolean> {
    const rules = await this.query<readonly AddressRule[]>(new ListAddressRules(session.actor));
    return !new AddressRules(change(rules)).permits(request.clientAddress);
  }
}
