import { Controller, Inject } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { z } from 'zod';
import { AssignRole, DeactivateAccount, ReactivateAccount } from '../../../domain/identity/account/administration.js';
import { RegisterAccount } from '../../../domain/identity/account/registration.js';
import { ChangeProfile, ChangeSettings, ForgetPerson } from '../../../domain/identity/profile.js';
import type { Identity } from '../../auth/identity.js';
import { ApiController } from '../api-controller.js';
import { Boundary } from '../boundary.js';
import type { BodyOf, Call } from '../call.js';
import { commandReply, listOf } from '../replies.js';
import { Route } from '../route.js';
import { IDENTITY } from '../tokens.js';
import { userInList, userView } from './account-view.js';
import { ownTries } from './auth.controller.js';
import { GetUser } from './get-user.js';
import { ListSessions, sessionInList } from './list-sessions.js';
import { ListUsers, type UsersFilter, usersFilter } from './list-users.js';
import {
  accountChanges,
  deactivation,
  newAccount,
  nothing,
  ofPerson,
  ownChanges,
  passwordConfirmation,
  roleAssignment,
  settings,
  user,
} from './schemas.js';

type OfPerson = z.infer<typeof ofPerson>;

const changedUser = commandReply.extend(user.shape);

/** People: their profiles and settings, and their accounts for those who may. */
@Controller('api/v1/users')
export class UsersController extends ApiController {
  constructor(
    @Inject(Boundary) boundary: Boundary,
    @Inject(CommandBus) commandBus: CommandBus,
    @Inject(QueryBus) queryBus: QueryBus,
    @Inject(IDENTITY) private readonly identity: Identity,
  ) {
    super(boundary, commandBus, queryBus);
  }

  @Route({
    method: 'GET',
    path: '',
    summary: 'Accounts, newest first; for those who may read accounts',
    query: usersFilter,
    reply: listOf(userInList),
    reads: ['identity'],
    problems: ['forbidden', 'bad-cursor'],
  })
  async list({ session, query }: Call<object, UsersFilter, undefined>) {
    return this.query(new ListUsers(session.actor, query));
  }

  @Route({
    method: 'POST',
    path: '',
    summary: 'Make an account for someone; with an address and no password, a mail lets them set one',
    body: newAccount,
    command: RegisterAccount,
    status: 201,
    reply: changedUser,
    problems: ['forbidden', 'email-taken', 'username-taken', 'busy'],
  })
  async create({ session, body }: BodyOf<typeof newAccount>) {
    const reply = await this.identity.accounts.create(session.actor, body);
    return { ...reply, ...(await this.identity.reader.user(reply.id)) };
  }

  // Oneself

  @Route({ method: 'GET', path: 'me', summary: 'Your profile and account', reply: user })
  async me({ session }: Call<object, object, undefined>) {
    return this.identity.reader.user(session.actor.id);
  }

  @Route({
    method: 'PATCH',
    path: 'me',
    summary: 'Change your profile; what is left out stays',
    body: ownChanges,
    command: ChangeProfile,
    reply: changedUser,
    problems: ['username-taken'],
  })
  async changeMe({ session, body }: BodyOf<typeof ownChanges>) {
    return this.identity.profiles.change(session.actor, session.actor.id, body);
  }

  @Route({ method: 'GET', path: 'me/settings', summary: 'The settings of your clients', reply: settings })
  async settings({ session }: Call<object, object, undefined>) {
    return this.identity.reader.settings(session.actor.id);
  }

  @Route({
    method: 'PUT',
    path: 'me/settings',
    summary: 'Replace the settings of your clients: any JSON object',
    body: settings,
    command: ChangeSettings,
    reply: commandReply.extend({ settings }),
  })
  async changeSettings({ session, body }: BodyOf<typeof settings>) {
    return this.identity.profiles.changeSettings(session.actor, body);
  }

  @Route({
    method: 'GET',
    path: 'me/sessions',
    summary: 'Your sessions, the one used last first',
    reply: listOf(sessionInList),
    reads: ['identity'],
  })
  async mySessions({ session }: Call<object, object, undefined>) {
    return this.query(new ListSessions(session.actor.id, session.actor));
  }

  @Route({
    method: 'POST',
    path: 'me/forget',
    summary: 'Be forgotten: your account ends, and nothing of yours can be read again',
    tries: ownTries,
    setsCookie: true,
    body: passwordConfirmation,
    command: ForgetPerson,
    reply: commandReply,
    problems: ['wrong-credentials', 'last-admin', 'rate-limited', 'busy'],
  })
  async forgetMe({ session, body, request, cookie }: BodyOf<typeof passwordConfirmation>) {
    const reply = await this.identity.accounts.forgetOneself(session.actor, body.password, request.clientAddress);
    cookie.clear();
    return reply;
  }

  // Others

  @Route({
    method: 'GET',
    path: ':personId',
    summary: 'A person; with their account for those who may read it',
    params: ofPerson,
    reply: userView,
    reads: ['identity'],
    problems: ['not-found'],
  })
  async get({ session, params }: Call<OfPerson, object, undefined>) {
    return this.query(new GetUser(params.personId, session.actor));
  }

  @Route({
    method: 'PATCH',
    path: ':personId',
    summary: 'Change the account and profile of someone; what is left out stays',
    params: ofPerson,
    body: accountChanges,
    command: ChangeProfile,
    reply: changedUser,
    problems: ['forbidden', 'not-found', 'email-taken', 'username-taken', 'busy'],
  })
  async change({ session, params: { personId }, body }: BodyOf<typeof accountChanges, OfPerson>) {
    const { email, password, ...profile } = body;
    const { accounts, profiles } = this.identity;
    if (email !== undefined) await accounts.changeEmail(session.actor, personId, email);
    if (password !== undefined) await accounts.setPassword(session.actor, personId, password);
    return profiles.change(session.actor, personId, profile);
  }

  @Route({
    method: 'PUT',
    path: ':personId/role',
    summary: 'Assign a role of the platform',
    params: ofPerson,
    body: roleAssignment,
    command: AssignRole,
    reply: commandReply.extend(roleAssignment.shape),
    problems: ['forbidden', 'not-found', 'last-admin'],
  })
  async assignRole(call: BodyOf<typeof roleAssignment, OfPerson>) {
    return this.execute('identity.AssignRole', call);
  }

  @Route({
    method: 'POST',
    path: ':personId/deactivate',
    summary: 'Shut an account, your own or that of someone: its sessions end at once',
    params: ofPerson,
    body: deactivation,
    command: DeactivateAccount,
    reply: commandReply,
    problems: ['forbidden', 'not-found', 'last-admin'],
  })
  async deactivate(call: BodyOf<typeof deactivation, OfPerson>) {
    return this.execute('identity.DeactivateAccount', call);
  }

  @Route({
    method: 'POST',
    path: ':personId/reactivate',
    summary: 'Open an account again',
    params: ofPerson,
    command: ReactivateAccount,
    reply: commandReply,
    problems: ['forbidden', 'not-found'],
  })
  async reactivate(call: Call<OfPerson, object, undefined>) {
    return this.execute('identity.ReactivateAccount', call);
  }

  @Route({
    method: 'POST',
    path: ':personId/forget',
    summary: 'Forget someone: nothing of theirs can be read again',
    params: ofPerson,
    body: nothing,
    command: ForgetPerson,
    reply: commandReply,
    problems: ['forbidden', 'not-found', 'last-admin'],
  })
  async forget({ session, params }: BodyOf<typeof nothing, OfPerson>) {
    return this.identity.accounts.forget(session.actor, params.personId);
  }

  @Route({
    method: 'GET',
    path: ':personId/sessions',
    summary: 'The sessions of someone',
    params: ofPerson,
    reply: listOf(sessionInList),
    reads: ['identity'],
    problems: ['forbidden'],
  })
  async sessions({ session, params }: Call<OfPerson, object, undefined>) {
    return this.query(new ListSessions(params.personId, session.actor));
  }

  @Route({
    method: 'DELETE',
    path: ':personId/sessions',
    summary: 'End all sessions of someone',
    params: ofPerson,
    status: 204,
    problems: ['forbidden'],
  })
  async endSessions({ session, params }: Call<OfPerson, object, undefined>) {
    await this.identity.sessions.endAll(session.actor, params.personId);
  }
}
