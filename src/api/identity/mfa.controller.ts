import { Controller, Inject } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { z } from 'zod';
import type { Identity } from '../../auth/identity.js';
import { ApiController } from '../api-controller.js';
import { Boundary } from '../boundary.js';
import { type BodyOf, type Call, whenceOf } from '../call.js';
import { Route } from '../route.js';
import { IDENTITY } from '../tokens.js';
import { logIn, ownTries } from './auth.controller.js';
import {
  challengeAnswer,
  codeConfirmation,
  issuedCredentials,
  passwordConfirmation,
  recoveryCodes,
} from './schemas.js';

/** The second factor: codes of an authenticator app, and recovery codes. */
@Controller('api/v1/auth/mfa')
export class MfaController extends ApiController {
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
    summary: 'Whether you have a second factor, and how many recovery codes are left',
    reply: z.object({ totp: z.boolean(), recoveryCodesLeft: z.number().int() }),
  })
  async status({ session }: Call<object, object, undefined>) {
    return this.identity.secondFactors.status(session.actor.id);
  }

  @Route({
    method: 'POST',
    path: 'login',
    summary: 'Log in with a code, after the password was right',
    tries: {
      counts: 'failures',
      account: ({ body }, { identity }: MfaController) => identity.signIns.challenged(body.challenge),
    },
    auth: 'none',
    setsCookie: true,
    body: challengeAnswer,
    reply: issuedCredentials,
    problems: ['wrong-credentials', 'account-deactivated', 'rate-limited'],
  })
  async logIn(call: BodyOf<typeof challengeAnswer>) {
    const { challenge, code } = call.body;
    return logIn(await this.identity.signIns.answerChallenge(challenge, code, whenceOf(call.request)), call.cookie);
  }

  @Route({
    method: 'POST',
    path: 'totp',
    summary: 'Get a secret for an authenticator app; it counts once a code of it was confirmed',
    tries: ownTries,
    body: passwordConfirmation,
    status: 201,
    reply: z.object({ secret: z.string(), uri: z.string() }),
    problems: ['wrong-credentials', 'already-exists', 'rate-limited', 'busy'],
  })
  async begin({ session: { actor }, body, request }: BodyOf<typeof passwordConfirmation>) {
    const { accounts, secondFactors } = this.identity;
    return secondFactors.begin(actor, await accounts.assertPassword(actor.id, body.password, request.clientAddress));
  }

  @Route({
    method: 'POST',
    path: 'totp/confirm',
    summary: 'Turn the second factor on with a code of the app; answers recovery codes',
    tries: ownTries,
    body: codeConfirmation,
    reply: recoveryCodes,
    problems: ['wrong-code', 'not-found', 'already-exists', 'rate-limited'],
  })
  async confirm({ session, body }: BodyOf<typeof codeConfirmation>) {
    return { recoveryCodes: await this.identity.secondFactors.confirm(session.actor, body.code) };
  }

  @Route({
    method: 'DELETE',
    path: 'totp',
    summary: 'Turn the second factor off',
    tries: ownTries,
    body: passwordConfirmation,
    status: 204,
    problems: ['wrong-credentials', 'rate-limited', 'busy'],
  })
  async disable({ session, body, request }: BodyOf<typeof passwordConfirmation>) {
    await this.identity.accounts.assertPassword(session.actor.id, body.password, request.clientAddress);
    await this.identity.secondFactors.disable(session.actor, session.actor.id);
  }

  @Route({
    method: 'POST',
    path: 'recovery-codes',
    summary: 'Get new recovery codes; the old ones are no longer good',
    tries: ownTries,
    body: passwordConfirmation,
    reply: recoveryCodes,
    problems: ['wrong-credentials', 'not-found', 'rate-limited', 'busy'],
  })
  async renewRecoveryCodes({ session, body, request }: BodyOf<typeof passwordConfirmation>) {
    await this.identity.accounts.assertPassword(session.actor.id, body.password, request.clientAddress);
    return { recoveryCodes: await this.identity.secondFactors.renewRecoveryCodes(session.actor) };
  }
}
