import { Controller, Inject } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import type { Logger } from 'pino';
import { z } from 'zod';
import { RegisterAccount } from '../../../domain/identity/account/registration.js';
import { uuid } from '../../../domain/ids.js';
import type { Identity } from '../../auth/identity.js';
import type { Credentials } from '../../auth/sessions.js';
import { ApiController } from '../api-controller.js';
import { Boundary } from '../boundary.js';
import { type BodyOf, type Call, idempotencyKeyOf, whenceOf } from '../call.js';
import { commandReply, listOf } from '../replies.js';
import { otherwise, Route } from '../route.js';
import type { CookieOfAnswer } from '../session-cookie.js';
import { IDENTITY, LOGGER } from '../tokens.js';
import { ListSessions, sessionInList } from './list-sessions.js';
import {
  credentials,
  emailChange,
  emailRequest,
  issuedCredentials,
  mailedTokenRequest,
  passwordChange,
  passwordReset,
  type Registration,
  refreshRequest,
  registration,
  type SignIn,
  user,
} from './schemas.js';

const verificationSent = z.object({ verification: z.literal('required') });

/** By the account of whoever is logged in. */
export const ownTries = {
  counts: 'failures',
  account: ({ session }: Pick<Call, 'session'>) => session.actor.id,
} as const;

/** How people register, log in and out, and change what they log in with. */
@Controller('api/v1/auth')
export class AuthController extends ApiController {
  constructor(
    @Inject(Boundary) boundary: Boundary,
    @Inject(CommandBus) commandBus: CommandBus,
    @Inject(QueryBus) queryBus: QueryBus,
    @Inject(IDENTITY) private readonly identity: Identity,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    super(boundary, commandBus, queryBus);
  }

  @Route({
    method: 'POST',
    path: 'register',
    summary: 'Register; the answer logs in, unless the e-mail address has to be verified first (202)',
    auth: 'none',
    setsCookie: true,
    tries: { counts: 'failures', account: ({ body }) => body.email },
    body: registration,
    command: RegisterAccount,
    status: 201,
    reply: commandReply.extend(issuedCredentials.shape),
    otherwise: { status: 202, reply: verificationSent },
    problems: ['email-taken', 'username-taken', 'rate-limited', 'busy'],
  })
  async register(call: Call<object, object, Registration>) {
    const { body, request, cookie } = call;
    const { accounts, sessions } = this.identity;
    const reply = await accounts.register(body, idempotencyKeyOf(request));
    if (!reply) return otherwise({ verification: 'required' });
    const { id, stream, revision, position } = reply;
    const begun = await sessions.begin(id, { verifiedEmailOnly: false }, whenceOf(call.request));
    return { id, stream, revision, position, ...logIn(begun, cookie) };
  }

  @Route({
    method: 'POST',
    path: 'login',
    summary: 'Log in with an e-mail address or a user name',
    auth: 'none',
    setsCookie: true,
    tries: { counts: 'failures', account: ({ body }) => body.email ?? body.username },
    body: credentials,
    reply: issuedCredentials,
    problems: [
      'wrong-credentials',
      'second-factor-required',
      'email-not-verified',
      'account-deactivated',
      'rate-limited',
      'busy',
    ],
  })
  async logIn(call: Call<object, object, SignIn>) {
    const { email, username, password, code } = call.body;
    const signIn = { login: email ?? username ?? '', password, code };
    return logIn(await this.identity.signIns.signIn(signIn, whenceOf(call.request)), call.cookie);
  }

  @Route({
    method: 'POST',
    path: 'refresh',
    summary: 'Exchange a refresh token for new tokens; it is good once',
    tries: { counts: 'failures' },
    auth: 'none',
    setsCookie: true,
    body: refreshRequest,
    reply: issuedCredentials,
    problems: ['unauthenticated', 'session-ended', 'rate-limited'],
  })
  async refresh(call: BodyOf<typeof refreshRequest>) {
    return logIn(await this.identity.sessions.refresh(call.body.refreshToken, whenceOf(call.request)), call.cookie);
  }

  @Route({ method: 'POST', path: 'logout', summary: 'End this session', setsCookie: true, status: 204 })
  async logOut({ session, cookie }: Call<object, object, undefined>) {
    await this.identity.sessions.logOut(session.actor);
    cookie.clear();
  }

  @Route({ method: 'POST', path: 'logout-all', summary: 'End all of your sessions', setsCookie: true, status: 204 })
  async logOutEverywhere({ session, cookie }: Call<object, object, undefined>) {
    await this.identity.sessions.endAll(session.actor, session.actor.id);
    cookie.clear();
  }

  @Route({ method: 'GET', path: 'me', summary: 'Who is logged in', reply: user })
  async me({ session }: Call<object, object, undefined>) {
    return this.identity.reader.user(session.actor.id);
  }

  @Route({
    method: 'POST',
    path: 'ws-ticket',
    summary: 'A ticket that lets one socket into this session, within 30 seconds',
    reply: z.object({ ticket: z.string(), expiresIn: z.number().int() }),
  })
  async ticket({ session }: Call<object, object, undefined>) {
    return this.identity.sessions.ticket(session.actor);
  }

  @Route({
    method: 'GET',
    path: 'sessions',
    summary: 'Your sessions, the one used last first',
    reply: listOf(sessionInList),
    reads: ['identity'],
  })
  async sessions({ session }: Call<object, object, undefined>) {
    return this.query(new ListSessions(session.actor.id, session.actor));
  }

  @Route({
    method: 'DELETE',
    path: 'sessions/:sessionId',
    summary: 'End one of your sessions',
    params: z.strictObject({ sessionId: uuid }),
    status: 204,
    problems: ['not-found'],
  })
  async endSession({ session, params }: Call<{ sessionId: string }, object, undefined>) {
    await this.identity.sessions.end(session.actor, session.actor.id, params.sessionId);
  }

  @Route({
    method: 'POST',
    path: 'verify-email',
    summary: 'Show that an e-mail address is yours, by the token that was mailed to it',
    tries: { counts: 'failures' },
    auth: 'none',
    body: mailedTokenRequest,
    status: 204,
    problems: ['token-not-valid', 'email-taken', 'rate-limited'],
  })
  async verifyEmail({ body }: BodyOf<typeof mailedTokenRequest>) {
    await this.identity.accounts.verifyEmail(body.token);
  }

  @Route({
    method: 'POST',
    path: 'verify-email/resend',
    summary: 'Have the mail that verifies an address sent again; answered alike whether there is such an account',
    tries: { counts: 'all', account: ({ body }) => body.email },
    auth: 'none',
    body: emailRequest,
    status: 202,
    reply: z.object({}),
    problems: ['rate-limited'],
  })
  async resendVerification({ body }: BodyOf<typeof emailRequest>) {
    return this.#later(this.identity.accounts.resendVerification(body.email));
  }

  @Route({
    method: 'POST',
    path: 'forgot-password',
    summary: 'Have a mail sent that lets you set a new password; answered alike whether there is such an account',
    tries: { counts: 'all', account: ({ body }) => body.email },
    auth: 'none',
    body: emailRequest,
    status: 202,
    reply: z.object({}),
    problems: ['rate-limited'],
  })
  async forgotPassword({ body }: BodyOf<typeof emailRequest>) {
    return this.#later(this.identity.accounts.forgotPassword(body.email));
  }

  /** Answers before the work is done: how long that takes would tell whether there is such an account. */
  #later(work: Promise<void>): object {
    work.catch((error: unknown) => this.logger.error({ err: error }, 'a mail could not be asked for'));
    return {};
  }

  @Route({
    method: 'POST',
    path: 'reset-password',
    summary: 'Set a new password by the token that was mailed; all sessions end',
    tries: { counts: 'failures' },
    auth: 'none',
    body: passwordReset,
    status: 204,
    problems: ['token-not-valid', 'rate-limited', 'busy'],
  })
  async resetPassword({ body }: BodyOf<typeof passwordReset>) {
    await this.identity.accounts.resetPassword(body.token, body.password);
  }

  @Route({
    method: 'POST',
    path: 'change-password',
    summary: 'Change your password; all other sessions end',
    tries: ownTries,
    body: passwordChange,
    status: 204,
    problems: ['wrong-credentials', 'rate-limited', 'busy'],
  })
  async changePassword({ session, body, request }: BodyOf<typeof passwordChange>) {
    await this.identity.accounts.changePassword(
      session.actor,
      body.currentPassword,
      body.newPassword,
      request.clientAddress,
    );
  }

  @Route({
    method: 'POST',
    path: 'change-email',
    summary: 'Change your e-mail address: at once (200), or once the mail to it was answered (202)',
    tries: ownTries,
    body: emailChange,
    reply: z.object({ verification: z.literal('not-required') }),
    otherwise: { status: 202, reply: verificationSent },
    problems: ['wrong-credentials', 'email-taken', 'rate-limited', 'busy'],
  })
  async changeEmail({ session, body, request }: BodyOf<typeof emailChange>) {
    const { email, password } = body;
    const changed = await this.identity.accounts.changeOwnEmail(session.actor, email, password, request.clientAddress);
    return changed ? { verification: 'not-required' } : otherwise({ verification: 'required' });
  }
}

/** Hands a browser its cookie, and everyone else their tokens. */
export function logIn({ cookie: value, ...issued }: Credentials, cookie: CookieOfAnswer) {
  cookie.set(value);
  return issued;
}
