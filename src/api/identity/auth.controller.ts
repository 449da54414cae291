import { randomUUID } from 'node:crypto';
import { Controller, Inject } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { RegisterAccount } from '../../../domain/identity/account/registration.js';
import { AccessTokens } from '../../auth/access-tokens.js';
import { Accounts, type User } from '../../auth/accounts.js';
import { InternalTokens } from '../../auth/internal-tokens.js';
import { QueueFull } from '../../bounded-queue.js';
import { Refused } from '../../problems.js';
import { ApiController } from '../api-controller.js';
import { Boundary } from '../boundary.js';
import { type Call, idempotencyKeyOf } from '../call.js';
import { commandReply } from '../replies.js';
import { Route } from '../route.js';
import type { CookieOfAnswer } from '../session-cookie.js';
import { type Credentials, credentials, type Registration, registration, session, user } from './credentials.js';

@Controller('api/v1/auth')
export class AuthController extends ApiController {
  constructor(
    @Inject(Boundary) boundary: Boundary,
    @Inject(CommandBus) commandBus: CommandBus,
    @Inject(QueryBus) queryBus: QueryBus,
    @Inject(Accounts) private readonly accounts: Accounts,
    @Inject(AccessTokens) private readonly accessTokens: AccessTokens,
    @Inject(InternalTokens) private readonly internalTokens: InternalTokens,
  ) {
    super(boundary, commandBus, queryBus);
  }

  @Route({
    method: 'POST',
    path: 'register',
    summary: 'Register; the answer logs in',
    auth: 'none',
    setsCookie: true,
    tries: { counts: 'failures', account: ({ body }) => body.email },
    body: registration,
    command: RegisterAccount,
    status: 201,
    reply: commandReply.extend(session.shape),
    problems: ['email-taken', 'username-taken', 'busy'],
  })
  async register({ body, request, cookie }: Call<object, object, Registration>) {
    const { reply, user } = await refuseWhenBusy(this.accounts.register(body, idempotencyKeyOf(request)));
    const { id, stream, revision, position } = reply;
    return { id, stream, revision, position, user, ...(await this.#begin(user, cookie)) };
  }

  @Route({
    method: 'POST',
    path: 'login',
    summary: 'Log in with an e-mail address or a user name',
    auth: 'none',
    setsCookie: true,
    tries: { counts: 'failures', account: ({ body }) => body.email ?? body.username },
    body: credentials,
    reply: session,
    problems: ['wrong-credentials', 'busy'],
  })
  async logIn({ body, cookie }: Call<object, object, Credentials>) {
    const user = await refuseWhenBusy(this.accounts.logIn(body.email ?? body.username ?? '', body.password));
    if (!user) throw new Refused('wrong-credentials');
    return { user, ...(await this.#begin(user, cookie)) };
  }

  async #begin({ id: personId, name }: User, cookie: CookieOfAnswer) {
    const sid = randomUUID();
    const issued = await this.accessTokens.issue({ personId, sid, name: name ?? '', role: 'member' });
    const expiresAt = Date.parse(issued.expiresAt);
    cookie.set(await this.internalTokens.issue('session', { personId, sid, expiresAt }));
    return issued;
  }

  @Route({ method: 'GET', path: 'me', summary: 'Who is logged in', reply: user })
  async me({ session }: Call<object, object, undefined>) {
    return this.accounts.user(session.actor.id);
  }
}

/** @throws {Refused} if too many passwords wait to be hashed */
async function refuseWhenBusy<T>(task: Promise<T>): Promise<T> {
  return task.catch((error: unknown) => {
    throw error instanceof QueueFull ? new Refused('busy') : error;
  });
}
