import type { FastifyReply, FastifyRequest } from 'fastify';
import { systemActor } from '../../domain/decider.js';
import type { AttemptLimits } from '../auth/attempt-limits.js';
import { type Authenticator, type Session, Unauthenticated } from '../auth/session.js';
import type { CommandLimits } from '../commands/command-limits.js';
import { type CommandReply, parse } from '../commands/port.js';
import { type ProblemCode, Refused, toProblem } from '../problems.js';
import { rateLimitHeaders } from '../rate-limits.js';
import type { ApiController } from './api-controller.js';
import { type Call, positionOf, whenceOf } from './call.js';
import { refuseCrossSite, type TrustedOrigins } from './cross-site.js';
import { etagOf, matchesNone } from './preconditions.js';
import type { ReadYourWrites } from './read-your-writes.js';
import { type BodySettings, bodySchema, boundedAs, Otherwise, type RouteOptions, type Tries } from './route.js';
import { noCookie, type SessionCookie } from './session-cookie.js';

/** Nobody is logged in: for routes that ask for no credentials. */
const nobody: Session = { actor: systemActor, expiresAt: Number.POSITIVE_INFINITY };

const json = /json|\*\/\*|application\/\*/;
const bearer = 'bearer ';

export interface BoundaryOptions {
  readonly authenticator: Authenticator;
  readonly settings: BodySettings;
  readonly readYourWrites: ReadYourWrites;
  readonly sessionCookie: SessionCookie;
  readonly origins: TrustedOrigins;
  readonly attemptLimits: AttemptLimits;
  readonly commandLimits: CommandLimits;
}

/** What every route does before and after its own work: who calls, what they ask, how they are answered. */
export class Boundary {
  constructor(private readonly options: BoundaryOptions) {}

  get settings(): BodySettings {
    return this.options.settings;
  }

  /** Answers a request with what the route's method makes of it. @throws what is to be answered as a problem */
  async serve(
    route: RouteOptions,
    request: FastifyRequest,
    reply: FastifyReply,
    controller: ApiController,
    method: (this: ApiController, call: Call) => Promise<unknown>,
  ): Promise<void> {
    const call = await this.#enter(route, request, reply);
    const work = () => method.call(controller, call);
    const { tries } = route;
    const result = await (tries
      ? this.#attempt(tries, route.path, await tries.account?.(call, controller), call, reply, work)
      : work());
    this.#answer(route, call, result, reply);
  }

  /**
   * @throws {Unauthenticated} before anything of the request is looked at but whether a page of another origin sends it
   * @throws {InvalidInput} if a part does not fit its schema
   * @throws {Refused} if a header is malformed, there can't be such a resource, or the read models are behind
   */
  async #enter(route: RouteOptions, request: FastifyRequest, reply: FastifyReply): Promise<Call> {
    if (route.setsCookie) refuseCrossSite(request, this.options.origins);
    const session = route.auth === 'none' ? nobody : await this.#authenticate(request);
    const { accept } = request.headers;
    if (accept !== undefined && !json.test(accept)) throw new Refused('not-acceptable');
    const body = bodySchema(route, this.settings);
    const call: Call = {
      session,
      params: parseParams(route, request.params),
      query: parse(route.query, request.query),
      body: body ? parse(body, request.body) : request.body,
      request,
      cookie: route.setsCookie ? this.options.sessionCookie.on(reply) : noCookie,
    };
    if (route.reads) await this.#wait(route.reads, call, reply);
    const bounded = boundedAs(route);
    if (bounded) reply.headers(rateLimitHeaders([this.options.commandLimits.take(session.actor.id, bounded)]));
    return call;
  }

  /** Counts a try before anything costly is done, and by how it has ended. */
  async #attempt(
    { counts }: Tries,
    what: string,
    account: string | undefined,
    { request }: Call,
    reply: FastifyReply,
    work: () => Promise<unknown>,
  ): Promise<unknown> {
    const attempt = await this.options.attemptLimits.begin(what, request.clientAddress, account);
    try {
      const result = await work();
      await (counts === 'all' ? attempt.failed() : attempt.succeeded());
      return result;
    } catch (error) {
      await (wrongGuesses.has(toProblem(error).code) ? attempt.failed() : attempt.succeeded());
      throw error;
    } finally {
      reply.headers(rateLimitHeaders(await attempt.standings()));
    }
  }

  /** By the `Authorization` header, and only where there is none by the cookie, which browsers send unasked. */
  async #authenticate(request: FastifyRequest): Promise<Session> {
    const { authenticator, sessionCookie, origins } = this.options;
    const { authorization } = request.headers;
    const whence = whenceOf(request);
    if (authorization !== undefined) {
      if (authorization.slice(0, bearer.length).toLowerCase() !== bearer) throw new Unauthenticated();
      return authenticator.authenticate(authorization.slice(bearer.length), whence);
    }
    const cookie = sessionCookie.read(request);
    if (cookie === undefined) throw new Unauthenticated();
    refuseCrossSite(request, origins);
    return authenticator.authenticateCookie(cookie, whence);
  }

  async #wait(projections: readonly string[], { session, request }: Call, reply: FastifyReply): Promise<void> {
    const current = await this.options.readYourWrites.wait(session.actor.id, positionOf(request), projections);
    if (!current) reply.header('parley-stale', 'true');
  }

  /** Sends what the route's method has returned. */
  #answer(route: RouteOptions, { session, request }: Call, result: unknown, reply: FastifyReply): void {
    if (result instanceof Otherwise && route.otherwise) {
      reply.header('cache-control', 'no-store').code(route.otherwise.status).send(result.answer);
      return;
    }
    if (route.command) {
      const { position } = result as CommandReply;
      if (route.auth !== 'none') this.options.readYourWrites.remember(session.actor.id, position);
      reply.header('parley-position', position);
    }
    if (route.etag) {
      const etag = etagOf((result as { revision: number }).revision);
      reply.header('etag', etag);
      reply.header('cache-control', 'private, no-cache');
      if (!matchesNone(request.headers['if-none-match'], etag)) {
        reply.code(304).send();
        return;
      }
    } else reply.header('cache-control', 'no-store');
    reply.code(route.status).send(route.status === 204 ? undefined : result);
  }
}

/** Refusals that tell callers that they have guessed wrong, or what others have. Any other is no try. */
const wrongGuesses: ReadonlySet<ProblemCode> = new Set<ProblemCode>([
  'unauthenticated',
  'wrong-credentials',
  'wrong-code',
  'token-not-valid',
  'email-taken',
  'username-taken',
]);

/** An id of another form than ids have names nothing. */
function parseParams({ params }: RouteOptions, given: unknown): unknown {
  const parsed = params.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new Refused('not-found');
}
